"""Words that stand beside an option's label, in eleven languages, and labels that are not Latin letters.

Tables only. A language that is missing here still has its options found by their text, and bare letters.
"""

import re

NOUN = (
    r"(?:(?:answer\s+)?(?:option|choice)|alternative|caption|sentence|statement|description|candidate|letter|"
    r"opci[oó]n|alternativa|"
    r"variante?|вариант\w*|буква|выбор|选项|選項|选择|選択肢|विकल्प|الخيار|خيار|선택지|보기)"
)
ANSWER = (
    r"(?:(?:the |my |final |correct |right |best |true )*(?:answers?|solution|\bans\b|\bresponse|\bprediction|"
    r"\boutput)|(?:final|correct|right|best|my|most \w+|only) (?:choice|option|one|caption|sentence|"
    r"description|statement|match|fit|letter|response|guess)|respuesta(?: correcta)?|opci[oó]n correcta|(?:opção|"
    r"alternativa) correta|option correcte|bonne r[ée]ponse|r[ée]ponse(?: correcte)?|antwort|lösung|"
    r"risposta(?: corretta)?|resposta(?: correta)?|đáp án|cevap|jawaban|antwoord|odpowiedź|"
    r"(?:правильный |верный )?ответ|"
    r"答案|答え|正解|回答|正确的是|最符合的是|उत्तर|जवाब|الإجابة(?: الصحيحة)?|إجابة|الجواب|정답|답)"
)
BE = (
    r"(?:is|was|are|be|(?:would|should|must|will|can only|has to|might|may|could) be|(?:seems?|appears?) to be|"
    r"remains|becomes|'s|lautet|wäre|ist|est|es|è|é|là|jest|adalah|sería|"
    r"هي|هو|是|为|為|应为|应该是|应是|就是|は|が|은|는|—|–)"
)
FILL = (
    r"(?:definitely|most likely|likely|probably|clearly|simply|therefore|thus|hence|then|still|actually|indeed|"
    r"really|rather|now|a|option|choice|letter|number|"
    r"la|el|die|der|l'|the|letra|lettre|lettera|buchstabe?|opci[oó]n|選択肢|选项|विकल्प|الخيار|вариант)"
)
ANSWER_END = re.compile(
    rf"{ANSWER}(?:\s+(?:to|for|in|here|of|among)\b[^.!?\n]{{0,60}}?)?\s*(?:{BE}|[:=>→-]|{FILL})*(?:\s*(?:{BE}|"
    rf"[:=>→-]|{FILL}))*\s*$",
    re.IGNORECASE,
)
SAYING = (
    r"(?:probably|likely|perhaps|maybe|definitely|certainly|clearly|only|prefer\w*|make (?:that|it)|choos\w+|"
    r"chose|select\w*|pick\w*|go(?:ing)? (?:with|for)|opt(?:ing)? for|say|believe|think|guess|conclude|go|take|"
    r"took|mark|lean(?:ing)? (?:to|towards?)|vote for|"
    r"confident (?:in|about|with)|lead\w*(?: us| me)? to|among (?:the|these|those)(?: \w+)? (?:options|choices)|"
    r"(?:it|this|that|answer|choice|one|which|he|she|be) (?:is|was)|it's|that's|(?:must|should|would|has to|to|"
    r"can only) be|looks? like|seems? like|"
    r"(?:correspond|equat|point|match|map)\w*(?: to)?|align\w*(?: \w+)? with|match\w*(?: with)?|consistent with|"
    r"described (?:as|by)|"
    r"leav\w+(?: us)?(?: with)?|left with|suggest\w*|support\w*|favou?rs?|indicat\w+|closely|meant?|"
    r"is|es|est|ist|so|thus|therefore|hence|then|"
    r"conclusion|elijo|escojo|selecciono|choisis|wähle|nehme|sondern|sino|mais|выбираю|это|но|а|but|rather|"
    r"选择|選擇|选|選|应该是|应是|而是|是|为|चुन\w*|أختار)"
)
GOOD = (
    r"(?:the\s+|a\s+)?(?:(?:most|only|best|more|much|clearly|definitely|probably|likely)\s+)*(?:correct|right|"
    r"best|closest|better|answer|true|accurate|valid|appropriate|suitable|plausible|"
    r"likely|choice|option|match|fit|it\b|correct[ao]|richtig|la correcta|верн|правильн|सही|correcte)"
)
DOING = (
    r"(?:best |better |also |correctly |accurately |clearly |most closely )?(?:fits?|matches|describes|"
    r"captures|represents|corresponds|aligns|applies|works|holds)\b"
)
AFTER_FOREIGN = r"\s*(?:です|だ|で|が正|は正|입니다|이다|이|가|번|选项|選|项|है|सही|является|верн|。|、|,|[.)]|$)"

# what joins labels to a list that is said, denied or weighed as one
JOINER = (
    r"(?:,|/|&|;|\+|->|=>|→|、|,?\s*\b(?:and|or|nor|y|o|u|ni|und|oder|noch|et|ou|и|или|ни|либо|not|nor)\b|"
    r",?\s*(?:ولا|أو|و|या|और|和|或|与|及|と|または|와|과))"
)

NUMBERS = {word: n for n, word in enumerate("one two three four five six seven eight nine ten".split(), 1)}
_ORDINALS = (
    r"first|1st|primera?|erste\w*|premi[eè]re?|перв\w+|الأول\w*|पहला|第一|第1|[1一]番目|첫\s?번째|첫째",
    r"second|2nd|segunda?|zweite\w*|deuxi[eè]me|seconde|втор\w+|الثاني\w*|दूसरा|第二|第2|[2二]番目|두\s?번째|둘째",
    r"third|3rd|tercera?|dritte\w*|troisi[eè]me|трет\w+|الثالث\w*|तीसरा|第三|第3|[3三]番目|세\s?번째|셋째",
    r"fourth|4th|cuarta?|vierte\w*|quatri[eè]me|четв[её]рт\w+|الرابع\w*|चौथा|第四|第4|[4四]番目|네\s?번째",
    r"fifth|5th|quinta?|fünfte\w*|cinqui[eè]me|пят\w+|الخامس\w*|पाँचवा\w*|第五|第5|[5五]番目|다섯\s?번째",
    r"sixth|6th|sexta?|sechste\w*|sixi[eè]me|шест\w+|السادس\w*|छठा|第六|第6|[6六]番目|여섯\s?번째",
    r"seventh|7th", r"eighth|8th",
)  # fmt: skip
_NAMED = rf"(?:{NOUN}|one|match|antwort|réponse|respuesta|ответ|选|個|个|句|項|项|条)"
ORDINALS = tuple(
    re.compile(
        rf"(?<!\w)(?:{word})\s*(?:の|listed |given |correct |(?:or|and)\s+(?:the\s+)?\w+\s+)?\s*{_NAMED}|"
        rf"{NOUN}\s+(?:{word})",
        re.IGNORECASE,
    )
    for word in _ORDINALS
)
WHOLE_ORDINALS = tuple(re.compile(rf"\W*(?:the\s+)?(?:{word})\W*", re.IGNORECASE) for word in _ORDINALS)
LAST = re.compile(
    rf"\b(?<!second to )(?<!next to )(?:last|final|última|letzte|dernière|последний)\s+(?:{NOUN}|one)", re.IGNORECASE
)
LAST_BUT_ONE = re.compile(
    rf"\b(?:(?:second|next)[- ]to[- ]last|last but one|penultimate)\s+(?:{NOUN}|one)", re.IGNORECASE
)
PAIR = re.compile(r"\W*(?:the\s+)?(former|latter)\b", re.IGNORECASE)

_OTHER_LETTERS = {
    "А": "A", "Б": "B", "С": "C", "Г": "D", "Е": "E", "أ": "A", "ا": "A", "ب": "B", "ج": "C", "د": "D",
    "क": "A", "ख": "B", "ग": "C", "घ": "D",
}  # fmt: skip
_OTHER = re.compile(
    rf"((?:{NOUN}|{ANSWER})\s*(?:{BE}\s*)?[:\s(]*|^\W*|\()([{''.join(_OTHER_LETTERS)}])(?=\s*(?:$|[).,:\n؟۔]))",
    re.IGNORECASE,
)


def latin_labels(text: str) -> str:
    """Write labels of other scripts as Latin letters, where they stand as labels.

    Args:
        text (`str`): A reply.

    Example:

    ```python
    >>> from t2vid_hf.metrics.label_words import latin_labels
    >>> latin_labels("Ответ: Б"), latin_labels("А он бежит")
    ('Ответ: B', 'А он бежит')

    ```
    """
    return _OTHER.sub(lambda match: match[1] + _OTHER_LETTERS.get(match[2].upper(), match[2]), text)
