"""The library of the project: everything that no owner of a project has to change.

Each folder imports only those that stand above it: core, tables, learning, scoring, pipeline,
storage, versions, prediction, sweep, serving, mirror, page, ci, commands. The owner's package is
known to `core.owner` alone. MANIFEST.json names the release and the SHA-256 of each file.
"""
