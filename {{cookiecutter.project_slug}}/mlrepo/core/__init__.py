"""What every folder of the library uses: errors, files, YAML, params, the owner's package."""
