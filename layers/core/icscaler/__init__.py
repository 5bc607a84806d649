"""icscaler: autoscaling for Amazon SageMaker AI inference components.

The pure core (`entities`, `reasons`, `policies`, `allocate`, `guards`, `decide`) knows no clock,
no network and no environment; `reconcile` and `dispatch` drive it through `ports`; `adapters`,
`config` and `bootstrap` are the outer ring.
"""
