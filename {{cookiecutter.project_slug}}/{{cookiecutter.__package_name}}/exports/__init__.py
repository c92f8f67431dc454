"""The record of a version in the words of others: SLSA provenance and CycloneDX ML-BOM."""
