"""Make versions, bring them into stages and back, and prove what they are."""

from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Context, Option

from mlrepo.commands.options import (
    Json,
    Model,
    Offline,
    Override,
    Sign,
    VersionName,
    Why,
    announce,
    end,
    opened,
    pin,
)
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline.dvc_yaml import choose_model
from mlrepo.pipeline.output import as_json, findings, report

Authority = Annotated[
    Path | None, Option(help="Certificates (PEM) of the authority whose time stamp counts.")
]


def register(
    message: Annotated[str, Option("-m", "--message", help="What is new in it.")],
    bump: Annotated[
        Literal["major", "minor", "patch"],
        Option(help="The part of the highest number that is raised."),
    ] = "minor",
    version: Annotated[str | None, Option(help="Use exactly this number instead.")] = None,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Make this commit a version of the model: v1.0.0 first, then v1.1.0 and so on."""
    pin()
    from mlrepo.versions.register import register

    made = register(choose_model(model), bump, version, message, sign)
    print(f"{made.tag.name} is commit {made.tag.commit[:7]}")


def promote(
    version: VersionName,
    stage: Annotated[str, Argument(metavar="STAGE", help="A stage of versions.yaml.")],
    message: Why,
    override: Override = None,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Bring a version into a stage, once it has passed what the stage demands."""
    pin()
    from mlrepo.versions.promotion import Order, promote

    done = promote(choose_model(model), version, stage, Order(message, override, sign, announce))
    print(f"{done.version.name} is in '{stage}' ({done.tag.name})")


def rollback(
    message: Why,
    stage: Annotated[
        str | None, Argument(metavar="[STAGE]", help="By default the last of versions.yaml.")
    ] = None,
    to: Annotated[str | None, Option(help="The version; by default the one before.")] = None,
    override: Override = None,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Bring the version back that was in a stage before, after a check of its bytes."""
    pin()
    from mlrepo.versions.promotion import Order, rollback

    done = rollback(choose_model(model), stage, to, Order(message, override, sign, announce))
    print(f"{done.version.name} is in '{done.stage}' again ({done.tag.name})")


def retire(
    stage: Annotated[str, Argument(metavar="STAGE", help="The stage that shall be empty.")],
    message: Why,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Empty a stage; `model rollback` brings back what was in it."""
    from mlrepo.versions.promotion import Order, retire

    done = retire(choose_model(model), stage, Order(message, None, sign, announce))
    print(f"nothing is in '{stage}' now; {done.version.name} was ({done.tag.name})")


def deprecate(version: VersionName, message: Why, sign: Sign = False, model: Model = None) -> None:
    """Mark a version bad, so that nothing brings it into a stage again."""
    from mlrepo.versions.promotion import Order, deprecate

    done = deprecate(choose_model(model), version, Order(message, None, sign, announce))
    print(f"{done.version.name} is marked bad ({done.tag.name})")


def restore(version: VersionName, model: Model = None) -> None:
    """Bring a version's params, code and locks back on a new branch, ready for review."""
    from mlrepo.versions.restore import restore

    with opened(model) as registry:
        branch, paths = restore(registry.resolve(version))
        print(f"{len(paths)} files came back on the branch {branch}:")
        print("\n".join(f"  {path}" for path in paths))
        print("`model pull` brings its data and model")


def seal(
    context: Context,
    output: Annotated[
        Path | None, Option("-o", "--output", help="A new file that also lists each tag.")
    ] = None,
    time_stamp: Annotated[
        str | None,
        Option(metavar="URL", help="Ask this authority (RFC 3161); the answer is FILE.tsr."),
    ] = None,
    authority: Authority = None,
    model: Model = None,
) -> None:
    """Print one line for a notary, by which `verify --sealed` knows that no tag has changed."""
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
    version: Annotated[
        str | None, Argument(metavar="[VERSION|STAGE]", help="The newest, if left out.")
    ] = None,
    rebuild: Annotated[
        bool, Option("--rebuild", help="Make it again from its commit, and compare.")
    ] = False,
    sealed: Annotated[
        str | None,
        Option(metavar="SEAL", help="And that no tag has changed since: a line, or its file."),
    ] = None,
    authority: Authority = None,
    offline: Offline = False,
    json: Json = False,
    model: Model = None,
) -> None:
    """Check that the files, the commit and the tags of a version are what its tag recorded."""
    from mlrepo.versions import verify as proofs
    from mlrepo.versions.proofs.seal import Kept

    if authority and not sealed:
        raise ProjectError("--authority is about the time stamp of a seal: --sealed FILE")
    kept = Kept.of(sealed, context.obj) if sealed else None
    certificates = authority and context.obj / authority
    chosen, checks, signed = proofs.verify(choose_model(model), version, offline)
    if kept:
        checks["seal"] = findings(kept.check(choose_model(model), certificates, announce))
    ok = not any(checks.values())
    verdict = None
    if rebuild:
        from mlrepo.versions import rebuild as again

        verdict = again.rebuild(chosen, announce)
        ok = ok and verdict["verdict"] != "different"
    if json:
        result = {"version": chosen.name, "ok": ok, "signature": signed.says, "checks": checks}
        print(as_json(result | {"rebuild": verdict}))
    else:
        print(report(checks))
        if verdict:
            print(_describe_rebuild(verdict))
        print(f"{chosen.tag.name} {'holds' if ok else 'DOES NOT HOLD'}; {signed.says}")
    end(ok)


def gate(
    against: Annotated[
        str | None, Option(help="A stage; by default the last of versions.yaml.")
    ] = None,
    json: Json = False,
    model: Model = None,
) -> None:
    """Compare the model in this folder with the one in a stage; exit code 1: the gate refuses."""
    pin()
    from mlrepo.versions.gate import verdict
    from mlrepo.versions.rules.policy import load_settings

    found = verdict.against(choose_model(model), against, announce)
    print(as_json(found) if json else verdict.describe(found))
    end(verdict.opens(found, load_settings().gate))


def compare(
    before: Annotated[Path, Argument(help="A model file.")],
    after: Annotated[Path, Argument(help="The other model file.")],
    rows: Annotated[Path, Argument(help="A prepared table, as Parquet.")],
) -> None:
    """Compare two model files and what they predict for a prepared table, as JSON."""
    pin()
    from mlrepo.scoring.equivalence import compare

    print(as_json(compare(before, after, rows)))


def _describe_rebuild(found: dict[str, Any]) -> str:
    """Return what a rebuild found as text."""
    lines = [f"{found['verdict']}: {found.get('why', 'all outputs have the recorded bytes')}"]
    lines += [f"  {path} differs" for path in found["differing"]]
    lines += [f"  {part}" for part in found.get("parts", [])]
    if "largest_difference" in found:
        lines.append(
            f"  largest difference of a prediction: {found['largest_difference']:.3g} "
            f"in {found['rows']} rows; labels {'equal' if found['labels_equal'] else 'differ'}"
        )
    return "\n".join(lines)
