"""What flows through starbeam: records, their Arrow schemas, the recipe, the manifest, errors.  Imports nothing of ours."""
