"""The composition root: plans, drives, records, judges and reports trials."""
