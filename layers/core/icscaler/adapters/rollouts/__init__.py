"""AWS as `icscaler.rollout_steps.ports`: SageMaker, CloudWatch, Step Functions, events."""
