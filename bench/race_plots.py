"""Plots of the race as SVG, written out: nothing is needed but a text editor's worth of it."""

import math
from xml.sax.saxutils import escape

WORKER, PEER, GREY = "#1f6f8b", "#d98032", "#888"
_WIDTH = 860


def _text(x, y, text, anchor="start", size=12, fill="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{fill}">{escape(str(text))}</text>')


def _line(x1, y1, x2, y2, stroke=GREY):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{stroke}" stroke-width="1"/>')


def _document(height, elements):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
            f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif">\n'
            f'<rect width="{_WIDTH}" height="{height}" fill="white"/>\n'
            + "\n".join(elements) + "\n</svg>\n")


def ratios(title, rows):
    """Bars on a scale of powers of two. rows: [(label, ratio)]; above 1 the worker is ahead."""
    left, right, top, pitch = 330, 60, 50, 28
    logs = [math.log2(ratio) for _, ratio in rows if ratio > 0]
    low, high = math.floor(min([-1, *logs])), math.ceil(max([1, *logs]))
    bottom = top + pitch * len(rows)

    def x_of(power):
        return left + (power - low) / (high - low) * (_WIDTH - left - right)

    elements = [_text(20, 24, title, size=15)]
    for power in range(low, high + 1):
        elements.append(_line(x_of(power), top, x_of(power), bottom,
                              "#222" if power == 0 else "#ddd"))
        elements.append(_text(x_of(power), bottom + 16, f"{2.0 ** power:g}×", "middle", 11))
    for number, (label, ratio) in enumerate(rows):
        y = top + pitch * number
        elements.append(_text(left - 10, y + 18, label, "end"))
        if ratio <= 0:
            continue
        begin, end = sorted((x_of(0), x_of(math.log2(ratio))))
        elements.append(f'<rect x="{begin:.1f}" y="{y + 5}" width="{end - begin:.1f}" height="18" '
                        f'fill="{WORKER if ratio >= 1 else PEER}"/>')
        elements.append(_text(max(end, x_of(0)) + 6, y + 18, f"{ratio:.2f}"))
    return _document(bottom + 30, elements)


def _curve(values, stroke, box, low, high):
    x, y, width, height = box
    span = math.log10(high / low)
    points = " ".join(
        f"{x + width * i / (len(values) - 1):.1f},"
        f"{y + height * (1 - math.log10(min(max(value, low), high) / low) / span):.1f}"
        for i, value in enumerate(values))
    return f'<polyline points="{points}" fill="none" stroke="{stroke}" stroke-width="2"/>'


def _panel(box, caption, worker, peer):
    x, y, width, height = box
    positive = [value for value in [*worker, *peer] if value > 0] or [1, 10]
    low = 10 ** math.floor(math.log10(min(positive)))
    high = 10 ** math.ceil(math.log10(max([*positive, low * 1.01])))
    elements = [_text(x, y - 6, caption, size=11)]
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        at = y + height * (1 - (power - math.log10(low)) / math.log10(high / low))
        elements.append(_line(x, at, x + width, at, "#ddd"))
        elements.append(_text(x - 6, at + 4, f"{10.0 ** power:g}", "end", 10))
    for percent in (0, 50, 95, 100):
        at = x + width * percent / 100
        elements.append(_text(at, y + height + 13, f"{percent} %", "middle", 10))
    for values, stroke in ((worker, WORKER), (peer, PEER)):
        if len(values) > 1:
            elements.append(_curve(values, stroke, box, low, high))
    return elements


def waits(title, rows):
    """How long first and later tokens took: milliseconds over the share of all that took no
    longer. rows: [(label, {"worker": {"ttft": hundredths, "gap": hundredths}, "peer": …})]"""
    top, pitch, height = 70, 170, 105
    elements = [_text(20, 24, title, size=15),
                f'<rect x="20" y="34" width="12" height="12" fill="{WORKER}"/>',
                _text(38, 44, "llm-worker-rbee"),
                f'<rect x="160" y="34" width="12" height="12" fill="{PEER}"/>',
                _text(178, 44, "llama-server")]
    for number, (label, sides) in enumerate(rows):
        y = top + pitch * number
        elements.append(_text(20, y + 4, label, size=13))
        for column, (kind, caption) in enumerate((("ttft", "ms to the first token"),
                                                  ("gap", "ms between tokens"))):
            box = (60 + column * 410, y + 28, 370, height)
            elements += _panel(box, caption, sides["worker"][kind], sides["peer"][kind])
    return _document(top + pitch * len(rows) + 10, elements)
