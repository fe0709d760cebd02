"""A seeded StepFun on loopback, for demos, tests and benchmarks."""
