"""`icscaler export-history`: CloudWatch's record of a fleet's requests as a trace."""
