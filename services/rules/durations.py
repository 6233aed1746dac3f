"""How long, in figures and in words."""


def whole(value: float) -> float:
    """Whole figures without a fraction, in JSON too."""
    return int(value) if value == int(value) else value


def seconds(duration_ms: int) -> float:
    """Milliseconds as seconds, whole ones without a fraction."""
    return whole(duration_ms / 1000)


def hours_zh(duration_ms: int) -> str:
    """Hours and minutes, in Chinese."""
    hours, minutes = divmod(duration_ms // 60_000, 60)
    return (
        f"{hours} 小时 {minutes} 分" if hours and minutes else f"{hours} 小时" if hours else f"{minutes} 分"
    )


def hours_en(duration_ms: int) -> str:
    """Hours and minutes, in English."""
    hours, minutes = divmod(duration_ms // 60_000, 60)
    return f"{hours} h {minutes} min" if hours and minutes else f"{hours} h" if hours else f"{minutes} min"


def minutes_zh(duration_ms: int) -> str:
    """Minutes and seconds, in Chinese."""
    minutes, rest = divmod(round(duration_ms / 1000), 60)
    return f"{minutes} 分 {rest} 秒" if minutes else f"{rest} 秒"


def minutes_en(duration_ms: int) -> str:
    """Minutes and seconds, in English."""
    minutes, rest = divmod(round(duration_ms / 1000), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
