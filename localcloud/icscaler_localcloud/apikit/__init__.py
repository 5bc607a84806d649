"""What our own AWS services share: request validation, listing, call counting and throttling."""
