"""SQLAlchemy lives here and nowhere else: tables, transactions, and the queries the services ask."""
