"""The pure rules: values in, values out; no database, no network, no clock."""
