"""The windows that KPIs are counted over: the fixed ones that a setting may change, and the calendar month.

Declarations only; what a window holds, `kpis.counting.windows` works out.
"""

from typing import Final

WINDOW_DAYS: Final = (1, 7, 30, 90, 365)
"""What the setting `windows_days` is by default."""
SEGMENT_WINDOW_DAYS: Final = (7, 30)
"""What the setting `segment_windows_days` is by default, as far as these windows are counted."""
MONTH: Final = "month"
WINDOWS: Final = (*(f"{days}d" for days in WINDOW_DAYS), MONTH)
LIFETIME_DAYS: Final = WINDOW_DAYS[1:]
"""After so many days the share of customers who are still there is reported."""
