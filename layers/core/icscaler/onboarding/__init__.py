"""Onboarding: from the description of a model to a serving, scaled and watched component."""
