"""Unit tests of the library, which run against its folder in the template, without baking."""
