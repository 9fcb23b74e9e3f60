"""The service: commands, application, database, accounts and jobs."""
