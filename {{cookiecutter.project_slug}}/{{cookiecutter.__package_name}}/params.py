"""params.yaml as typed objects: the sections of the library, and your own.

A section of your own is a class with one typed line for each key, and a line in `Params`:

    class Weather(Section):
        path: str

    class Params(LibraryParams):
        weather: Weather

Every key must stand in params.yaml, and no other key may. A step that reads the section names it
under `params` in dvc.yaml.
"""

from mlrepo.core.params import LibraryParams


class Params(LibraryParams):
    """All of params.yaml."""
