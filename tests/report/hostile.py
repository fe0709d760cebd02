"""What a model, a dataset or a suite may hold to take over the page that shows it."""

from collections.abc import Callable
from itertools import count

_HIT = "window.pwned=1"
PAYLOADS = (
    f"<script>{_HIT}</script>",
    f"</script><script>{_HIT}</script>",
    f"<img src=x onerror={_HIT}>",
    f"</script><img src=x onerror={_HIT}>",
    f"<svg onload={_HIT}>",
    f"</svg><script>{_HIT}</script>",
    f"</title><script>{_HIT}</script>",
    f"</style><script>{_HIT}</script>",
    f"</pre><script>{_HIT}</script>",
    f"</details></main><script>{_HIT}</script>",
    f"</textarea><script>{_HIT}</script>",
    f"</noscript><script>{_HIT}</script>",
    f"--><script>{_HIT}</script><!--",
    f"]]><script>{_HIT}</script>",
    f"<![CDATA[<script>{_HIT}</script>]]>",
    f"<body onload={_HIT}>",
    f"<iframe srcdoc='<script>parent.{_HIT}</script>'></iframe>",
    f"<iframe src=javascript:{_HIT}></iframe>",
    f"<object data=javascript:{_HIT}></object>",
    f"<embed src=javascript:{_HIT}>",
    f"<a href=javascript:{_HIT}>click</a>",
    f"javascript:{_HIT}",
    f"data:text/html,<script>{_HIT}</script>",
    f"<details open ontoggle={_HIT}>",
    f"<input autofocus onfocus={_HIT}>",
    f"<select autofocus onfocus={_HIT}>",
    f"<video><source onerror={_HIT}></video>",
    f"<audio src=x onerror={_HIT}>",
    f"<marquee onstart={_HIT}>",
    f"<form action=//evil.example><button formaction=javascript:{_HIT}>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<link rel=prefetch href=//evil.example/x>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<style>@import '//evil.example/x.css';</style>",
    "<style>*{background:url(//evil.example/x)}</style>",
    "<div style='background:url(//evil.example/x)'>",
    "<img src=//evil.example/x>",
    "<img srcset='//evil.example/x 1x'>",
    "<svg><image href=//evil.example/x /></svg>",
    f"<svg><animate onbegin={_HIT} attributeName=x dur=1s>",
    f"<svg><a xlink:href=javascript:{_HIT}><text>x</text></a></svg>",
    f"<svg><foreignObject><img src=x onerror={_HIT}></foreignObject></svg>",
    "<svg><use href='//evil.example/x#y'/></svg>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={_HIT}></style></mglyph>",
    f"<template><script>{_HIT}</script></template>",
    f'" onmouseover={_HIT} x="',
    f"' onmouseover={_HIT} x='",
    f'" autofocus onfocus={_HIT} tabindex=1 x="',
    f"` onmouseover={_HIT}",
    '"><plaintext>',
    "{{ 7*7 }}{% for x in range(9) %}x{% endfor %}",
    "{{ ''.__class__.__mro__ }}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "&lt;script&gt;&#x3c;script&#x3e;",
    f"<scr\x00ipt>{_HIT}</scr\x00ipt>",
    f"\ufeff<script>{_HIT}</script>\u2028\u2029",
    "\u202egnp.exe\u2066 \x1b[31mred\x1b]8;;http://evil.example\x07",
    "lone \ud800 surrogate \udfff, \x7f\x85\x9b",
    "$\\frac{1}{0}$ 中文 العربية 🙂 \t\r\n url(#x);fill:red",
    f"+ADw-script+AD4-{_HIT}+ADw-/script+AD4-",
    "<!doctype html><html><head><title>x",
)


def hostile_text() -> Callable[[str], str]:
    """Each call puts the next payload before the text, so that shortening does not lose it."""
    places = count()
    return lambda text: f"{PAYLOADS[next(places) % len(PAYLOADS)]} {text}"


def all_of(text: str) -> str:
    return "".join(PAYLOADS) + text
