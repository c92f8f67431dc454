"""Prove what a version is, and that no tag has changed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Option

from mlrepo.commands.options import Json, Model, Newest, Offline, Sign, announce, end, opened, pin
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline.models import choose_model
from mlrepo.pipeline.output import as_json, few, findings, report

if TYPE_CHECKING:
    from mlrepo.versions.proofs.envelope import Key

Authority = Annotated[Path | None, Option(help="Certificates (PEM) of the time stamp authority.")]


def seal(
    context: Context,
    output: Annotated[
        Path | None, Option("-o", "--output", help="Also write a new file that lists each tag.")
    ] = None,
    time_stamp: Annotated[
        str | None,
        Option(
            metavar="URL", help="Ask this time stamp authority (RFC 3161); its answer is FILE.tsr."
        ),
    ] = None,
    authority: Authority = None,
    model: Model = None,
) -> None:
    """Print one line that stands for all tags, for a notary.

    `model verify --sealed LINE` later says whether a tag has changed.
    """
    from mlrepo.versions.proofs.seal import seal, write

    with opened(model) as registry:
        made = seal(registry)
        if output:
            stamped = (time_stamp, authority and context.obj / authority)
            write(made, context.obj / output, *stamped)
        elif time_stamp:
            raise ProjectError("a time stamp is of a file: -o FILE")
        print(made.line())


def verify(
    context: Context,
    version: Newest = None,
    rebuild: Annotated[
        bool, Option("--rebuild", help="Make the version again from its commit, and compare.")
    ] = False,
    attest: Annotated[
        bool, Option("--attest", help="Keep the result of the rebuild in a tag of the version.")
    ] = False,
    key: Annotated[
        Path | None, Option(help="Also sign that result with this key file (DSSE envelope).")
    ] = None,
    sign: Sign = False,
    sealed: Annotated[
        str | None,
        Option(
            metavar="SEAL",
            help="Check that no tag has changed since this line of `model seal`, or its file.",
        ),
    ] = None,
    authority: Authority = None,
    offline: Offline = False,
    json: Json = False,
    model: Model = None,
) -> None:
    """Check files, commit and tags of a version.

    Exit code 1: they are not what its tag recorded, or a rebuild gives something else.
    """
    from mlrepo.versions import verify as proofs
    from mlrepo.versions.proofs.seal import Kept
    from mlrepo.versions.rules.states import in_words

    if authority and not sealed:
        raise ProjectError("--authority is about the time stamp of a seal: --sealed FILE")
    if (attest and not rebuild) or ((key or sign) and not attest):
        raise ProjectError("what is attested and signed is a rebuild: --rebuild --attest")
    kept = Kept.of(sealed, context.obj) if sealed else None
    signer = _ready_to_attest(choose_model(model), key and context.obj / key) if attest else None
    certificates = authority and context.obj / authority
    proof = proofs.verify(choose_model(model), version, offline)
    chosen, checks, signed = proof.version, proof.checks, proof.signed
    if kept:
        checks["seal"] = findings(kept.check(choose_model(model), certificates, announce))
    ok = not any(checks.values())
    verdict = None
    if rebuild:
        from mlrepo.versions import rebuild as again

        verdict = again.rebuild(chosen, announce)
        ok = ok and verdict["verdict"] != "different"
    if verdict and attest:
        from mlrepo.versions.proofs.attest import attest as add

        tag = add(choose_model(model), chosen, verdict, signer, sign, announce)
        verdict |= {"attested": tag}
    if json:
        result = {"version": chosen.name, "ok": ok, "signature": signed.says, "checks": checks}
        more = {"not_checked": proof.unknown, "emergencies": proof.emergencies}
        print(as_json(result | more | {"rebuild": verdict}))
    else:
        print(report(checks))
        for why, names in proof.unknown.items():
            print(f"not checked: {', '.join(few(names))}: {why}")
        if verdict:
            print(_describe_rebuild(verdict))
        for state in proof.emergencies:
            print(in_words(state))
        print(f"{chosen.tag.name} {'holds' if ok else 'DOES NOT HOLD'}; {signed.says}")
    end(ok)


def _ready_to_attest(model: str, key: Path | None) -> "Key | None":
    """Return the key; what would be refused in the end is refused before the long work."""
    pin()
    from mlrepo.versions import acts
    from mlrepo.versions.proofs.envelope import Key

    acts.latest(model, announce)
    return Key.load(str(key)) if key else None


def _describe_rebuild(found: dict[str, Any]) -> str:
    """Return what a rebuild found as text."""
    lines = [f"{found['verdict']}: {found.get('why', 'all outputs have the recorded bytes')}"]
    lines += [f"  {path} differs" for path in found["differing"]]
    lines += [f"  {part}" for part in found.get("parts", [])]
    lines += [f"  attested by {found['attested']}"] if "attested" in found else []
    if "largest_difference" in found:
        lines.append(
            f"  largest difference of a prediction: {found['largest_difference']:.3g} "
            f"in {found['rows']} rows; labels {'equal' if found['labels_equal'] else 'differ'}"
        )
    return "\n".join(lines)
