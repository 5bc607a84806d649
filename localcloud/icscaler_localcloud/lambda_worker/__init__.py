"""What runs inside a Lambda worker process, before and around AWS's runtime interface client.

`python -m icscaler_localcloud.lambda_worker app.lambda_handler` does what `python -m awslambdaric
app.lambda_handler` does, on the cloud's clock instead of the machine's. Imports the standard
library only, besides `virtual_datetime`: everything here costs time in each cold start.
"""

CLOCK_VARIABLE = "_ICSCALER_CLOCK_FD"
"""Number of the inherited file descriptor that holds the cloud's time."""
SLEEP_PATH = "/_icscaler/sleep"
"""Where a worker asks for virtual time to pass: POST, the body is the number of seconds."""
