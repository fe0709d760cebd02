"""The suite that ``stepeval init`` writes."""

STARTER = """\
# yaml-language-server: $schema=./suite.schema.json
# (write that file with: stepeval schema > suite.schema.json)
stepeval: 1
name: my-first-suite
description: What does more reasoning buy on eight small questions?

# Everything here goes on the wire as it is, unless the grid says otherwise.
defaults:
  model: step-3.7-flash
  stream: true
  temperature: 0.5
  max_tokens: 4096

prompts:
  - id: plain
    system: Answer with the result only.
    template: "{{ input }}"

dataset:
  - {id: sum, kind: number, input: "What is 17 + 26?", target: 43}
  - {id: product, kind: number, input: "What is 12 * 13?", target: 156}
  - {id: change, kind: number, input: "A pen costs 3 dollars. How many for 20?", target: 6}
  - {id: average, kind: number, input: "What is the average of 4, 8 and 15?", target: 9}
  - {id: days, kind: number, input: "How many days are there in 7 weeks?", target: 49}
  - {id: capital, kind: word, input: "What is the capital of Japan?", target: Tokyo}
  - {id: planet, kind: word, input: "Which planet is the largest?", target: Jupiter}
  - {id: metal, kind: word, input: "Which metal has the symbol Fe?", target: iron}

# A list multiplies only here: these are two arms, compared on the same samples.
grid:
  reasoning_effort: [low, high]

scoring:
  - scorer: numeric
    where: {kind: number}
  - scorer: includes
    ignore_case: true
    where: {kind: word}

limits:
  concurrency: 4
"""
