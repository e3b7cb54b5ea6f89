"""QT corrected for rate, four ways, and the criteria of hypertrophy: arithmetic with its sources."""

import math

NAN = math.nan
# mV; Sokolow and Lyon, Am Heart J 37:161 (1949); Casale et al., Circulation 75:565 (1987), for men and women; the
# product of Cornell voltage and QRS in mm x ms, women's voltage raised by 6 mm: Molloy et al., JACC 20:1180 (1992).
SOKOLOW_MV, CORNELL_MV = 3.5, {"male": 2.8, "female": 2.0}
PRODUCT_MM_MS, WOMEN_MM = 2440.0, 6.0


def corrected_qt(qt_ms: float, rr_ms: float) -> dict[str, float]:
    """QT corrected for rate, in ms.

    Sources: Bazett, Heart 7:353 (1920); Fridericia, Acta Med Scand 53:469 (1920); Sagie et al. (Framingham), Am J
    Cardiol 70:797 (1992); Hodges et al., JACC 1:694 (1983).

    Args:
        qt_ms: the QT interval.
        rr_ms: the mean RR interval.

    Example:
        >>> from hf_ecg.signals.measuring import corrected_qt
        >>> {name: round(value) for name, value in corrected_qt(380, 800).items()}
        {'bazett': 425, 'fridericia': 409, 'framingham': 411, 'hodges': 406}
    """
    rr = rr_ms / 1000 if rr_ms > 0 else NAN
    return {
        "bazett": qt_ms / math.sqrt(rr),
        "fridericia": qt_ms / rr ** (1 / 3),
        "framingham": qt_ms + 154 * (1 - rr),
        "hodges": qt_ms + 1.75 * (60 / rr - 60),
    }


def cornell_product(cornell_mv: float, qrs_ms: float, sex: str | None) -> float:
    """Cornell voltage times QRS in mm x ms; without a sex nothing is added for women."""
    return (cornell_mv * 10 + (WOMEN_MM if sex == "female" else 0.0)) * qrs_ms
