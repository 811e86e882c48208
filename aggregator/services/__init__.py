"""The verbs of the product, one transaction each; no transaction is open across a network call."""
