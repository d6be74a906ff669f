"""Words by which a reply denies an option, weighs it, or takes itself back, in eleven languages.

Tables only, as regular expressions that are read against what stands before or behind an option's name in its sentence.
"""

import re

NOT = (
    r"\b(?:not(?! only| just)|none of(?! the above| these| them)|"
    r"anything but|never|no(?! doubt)|neither|nor|without(?! (?:a |any )?doubt)|cannot|rather than|instead of|"
    r"unlike|as opposed to|"
    r"contrary to|(?:rul|eliminat|exclud|discard|reject|dismiss)\w*(?: out)?|incorrect|wrong|false|"
    r"ni|nunca|en (?:lugar|vez) de|incorrect[ao]|pas|sans|plut[oô]t que|nicht|kein\w*|weder|noch|statt|falsch|"
    r"не|ни|нет|вместо)\b"
    r"|不是|并非|而非|不会|没有|并没有|排除|错误|既不|也不|\bليس\w*|\bولا\b|\bلا\b|\bبدلا من|\bوليس\w*|\bना\b|\bन\b"
)
NOT_BEFORE = re.compile(
    rf"(?:{NOT})\s*,?\s*(?:(?:out|the|la|el|les|die|das|option|options|opción|choice|answer|be|is|либо|either|"
    rf"[:(\"'])\s*)*$",
    re.IGNORECASE,
)
NOT_WITHIN = re.compile(NOT, re.IGNORECASE)
BE = r"(?:is|are|was|were|would be|can be|could be|must be|seems?|looks?|appears?|'s|'re)"
SURELY = r"(?:(?:also|all|both|clearly|obviously|therefore|thus|definitely|simply|likely|probably|so|then)\s+)*"
WRONG = (
    r"(?:incorrect|wrong|false|out\b|ruled out|eliminated|excluded|discarded|dismissed|unlikely|impossible|inaccurate|"
    r"irrelevant|implausible|unsupported|invalid|to be excluded|"
    r"too (?:narrow|broad|general|specific|vague|wide|early|late|strong)|"
    r"less (?:likely|plausible)|contradicted)"
)
NOT_AFTER = re.compile(
    rf"^[\s:)\"'-]*(?:no\b(?!\w)|not\b(?! only))|^[\s,:;)\"'.-]*(?:which |that |this |"
    rf"it )?(?:{BE}\s+{SURELY}(?:not\b(?! only)|never\b|{WRONG})|{WRONG}"
    rf"|(?:can|could|does|do|did|would|will|may|might|must|should)\s+{SURELY}(?:not\b|never\b|be {WRONG})"
    r"|(?:has|have) (?:no|not|never|nothing)\b|plays? no\b"
    r"|(?:no )?(?:es|son) incorrect[ao]|no es\b|n'est pas|ist (?:nicht|falsch)|sind falsch|неверн|неправильн|не подход"
    r"|不对|不是|错误|不正确|是错|不符|नहीं|गलत|ではな|じゃな|は(?:間違|誤|不正解)|(?:이|가|은|는)\s*(?:아니|아닙|틀)|[✗✘❌×✖])",
    re.IGNORECASE,
)
TEXT_NOT_AFTER = re.compile(
    rf"^[\s,:;)\"'-]*(?:which |that |this |it )?(?:{BE}\s+{SURELY}(?:(?:not|never) (?:shown|seen|visible|"
    rf"present|depicted|correct|"
    rf"supported|right|accurate|possible|likely|mentioned|happening|what|the|there|a match|evident|observed)|{WRONG})"
    rf"|(?:does|do|did|can|would|could) (?:not|never) (?:be|appear|fit|match|apply|happen|occur|describe|take|"
    rf"align|correspond|occur)"
    rf"|{BE}\s+(?:also |equally )?(?:possible|plausible)\b|plays? no\b|(?:can|could|must|should) be {WRONG}|[✗✘❌✖])",
    re.IGNORECASE,
)
WEIGHED_BEFORE = re.compile(
    r"\b(?:if|whether|between|unless|suppose|assuming|either|first (?:thought|guess\w*|answer|choice|"
    r"impression)|at first(?!\s+(?:and|but)\b|\W*$)|initial(?:ly| \w+)?|"
    r"consider(?:ed|ing)?|tempting|"
    r"(?:might|may|could)(?: \w+)? (?:argue|think|suppose|assume|object|remind|believe|expect|suggest)|"
    r"compar(?:e|ed|ing)|evaluat\w+|look(?:ing)? at|options?(?: here)?(?: are| include|"
    r"\s*:(?=\s*[A-J]\b\W*[A-J]\b))|choices are|"
    r"chosen from|один из|tempted|not sure|unsure|maybe)\b(?:(?![.!?\n]).)*$",
    re.IGNORECASE,
)
BOUNDED_BEFORE = re.compile(r"\bbetween\b[^.,;]*$|\b(?:(?:more|less|fewer) than|at least|at most)\s*$", re.IGNORECASE)
LISTING_BEFORE = re.compile(
    r"\b(?:options|choices|candidates|possibilities|alternatives|answers)\b(?: \w+)?(?: are| were| include)?\s*:\s*$",
    re.IGNORECASE,
)
CONCEDED_BEFORE = re.compile(
    r"\b(?:although|though|despite|in spite of)\b[^,.;:()]*$|^\W*while\b[^,.;:()]*$", re.IGNORECASE
)
TOPIC_BEFORE = re.compile(r"\b(?:as (?:to|for)|regarding|concerning)\s+(?:the\s+)?(?:options?\s+)?\(?$", re.IGNORECASE)
IF_AFTER = re.compile(r"^\W*(?:if|were|had|provided|only if)\b", re.IGNORECASE)
WOULD = re.compile(r"\bwould\b", re.IGNORECASE)
WEIGHED_AFTER = re.compile(
    r"^[\s,:;)\"'.-]*(?:(?:would|could|might|may)\b(?! be (?:the|correct|right|best|most))|possible\b|(?:is|"
    r"are) (?:also |all |both |equally )?"
    r"(?:possible|plausible|likely)\b|suggests?\b|says?\b|means?\b|states?\b|"
    r"describes? (?:a|an|the|some)\b(?![^.!?\n]*\b(?:correctly|accurately|best|well|perfectly|exactly)\b)|"
    r"involves?\b|refers?\b|implies\b|mentions?\b)",
    re.IGNORECASE,
)
UNSURE = re.compile(
    r"\b(?:can ?not|could not|unable|impossible|not possible|difficult|not able|"
    r"hard)\b(?:\W+\w+){0,3}?\W+(?:determin\w+|tell|say|see|view|watch|"
    r"answer|know|access|choose|decide|identify)\b|\bdo not know\b|\bnot enough\b|\binsufficient\b|no (?:way|"
    r"idea)\b|not clear\b|unclear",
    re.IGNORECASE,
)
CORRECTION = re.compile(
    r"\b(?:(?:wait|hold on|sorry)(?=\W*$|\s*[,.!?:;\u2026-]|,?\s+(?:no|that|actually|let|i|it|this|"
    r"the (?:answer|correct|question))\b)|scratch that|correction(?=\s*:)|"
    r"i meant?\b|oops\b|on (?:second thoughts?|reflection)|on (?:closer|further|second) (?:inspection|look|review)|"
    r"let me (?:re-?\w+|check again|think again|correct)|actually,? no|no,? actually|actually[,:]|"
    r"actually (?=it|the answer|option|[A-J]\b)|"
    r"better:|perd[oó]n|espera|mejor dicho|attendez|pardon|moment mal|nein,|entschuldigung|нет,|точнее|извините)"
    r"|(?<=[\w).*])\s*(?:\.{2,}|[,;.?!]|-+)\s*no\b(?=\s*[,:.!]|\s+(?:wait|it|the answer|rather|make))|"
    r"(?<=[\w).*])\s*(?:\.{2,}|[?!]|-+)\s*no\s+(?=[A-J]\b)"
    r"|不对|等等|更正|抱歉|不,|いや|訂正|아니,|정정|عفوا|تصحيح|बल्कि",
    re.IGNORECASE,
)
YES = re.compile(r"\s*(?:yes|yeah|indeed|correct|right)\b", re.IGNORECASE)
TAKEN_BACK = re.compile(r"\b(?:wrong|incorrect|not (?:right|correct)|mistake|error)\b", re.IGNORECASE)
SENTENCE_END = re.compile(r"(?<![A-Za-z0-9])[.]|(?<=\w\w)\.(?=\s|$)|(?<=\d)\.(?=\s)|[!?。！？؟।;\n]")
CLAUSE_END = re.compile(
    r"[,:()\u2013\u2014、،]|\s-+\s|\b(?:but|however|while|whereas|yet|although|and(?! (?:never|not|nor|no)\b)|so|"
    r"mais|pero|sino|sondern|"
    r"aber|но|а)\b|但是?|而是",
    re.IGNORECASE,
)
