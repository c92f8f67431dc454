"""A version in a folder that stands alone: `folder` fills it, with `code` and `packages`."""
