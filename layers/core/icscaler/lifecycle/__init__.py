"""What the workflows on single models share: onboarding, warm-up, retirement."""
