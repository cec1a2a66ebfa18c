"""Sentences, names, numbers, and the changes that turn a true sentence into a false one or a question into one without an answer."""

import re

SENTENCE = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])|\n+")
NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b")
NAME = re.compile(r"\b[A-Z][\w'’-]*[\w](?: (?:of |the |de |van |and )?[A-Z][\w'’-]*\w)*")
WORD = re.compile(r"\w+")
STOP = set(
    "a an the and or but if of to in on at by for from with as is are was were be been being it its this that these those he she they them his her"
    " their we you i our your not no do does did has have had will would can could should may might must than then so such which who whom whose what"
    " when where why how there here also into about over after before between more most other some any all each".split()
)
AUXILIARY = re.compile(r"\b(is|are|was|were|has|have|had|can|could|will|would|should|must|may|does|did|do)\b(?! not\b)(?!n't)")
ANTONYMS = [pair.split("/") for pair in (
    "first/last before/after more/less most/least larger/smaller largest/smallest higher/lower highest/lowest increase/decrease increased/decreased"
    " increases/decreases north/south east/west northern/southern eastern/western early/late earlier/later earliest/latest older/younger oldest/youngest"
    " won/lost win/lose win/lose begin/end began/ended started/stopped start/stop opened/closed open/closed allowed/forbidden allow/forbid accepted/rejected"
    " accept/reject approved/rejected above/below inside/outside internal/external major/minor maximum/minimum male/female men/women father/mother"
    " son/daughter brother/sister husband/wife king/queen positive/negative strong/weak stronger/weaker hot/cold warm/cool rich/poor old/new ancient/modern"
    " always/never common/rare public/private urban/rural majority/minority success/failure successful/unsuccessful possible/impossible legal/illegal"
    " enabled/disabled enable/disable add/remove added/removed import/export buy/sell bought/sold best/worst better/worse faster/slower fast/slow"
    " top/bottom left/right upper/lower win/lose victory/defeat attack/defend support/oppose supported/opposed agree/disagree agreed/disagreed"
    " include/exclude included/excluded required/optional same/different similar/different present/absent alive/dead birth/death born/died"
    " everyone/nobody all/none many/few often/rarely day/night summer/winter long/short longer/shorter longest/shortest domestic/foreign primary/secondary"
).split()]
OPPOSITE = {}
for left, right in ANTONYMS:
    OPPOSITE.setdefault(left, right)
    OPPOSITE.setdefault(right, left)


def sentences(text):
    return [part.strip() for part in SENTENCE.split(text) if part and part.strip()]


def words(text):
    return [word for word in WORD.findall(text.lower()) if word not in STOP]


def stem(word):
    for end in ("ing", "edly", "ed", "es", "s", "ly"):
        if word.endswith(end) and len(word) - len(end) >= 3:
            return word[: -len(end)]
    return word


def stems(text):
    return {stem(word) for word in words(text)}


def names(text, inner=True):
    """Capitalised names; with `inner` not the single word that begins a sentence."""
    found = []
    for match in NAME.finditer(text):
        begins = match.start() == 0 or text[: match.start()].rstrip()[-1:] in ".!?\n\"'"
        if match.group().lower() in STOP or (inner and begins and " " not in match.group()):
            continue
        found.append(match)
    return found


def choose_sentences(parts, claim, sizes, budget):
    """The sentences (in their order) that cover the claim's words best within `budget` tokens: the best by the words that are
    not yet covered, rare words counting more, then the neighbours of those. Returns their numbers."""
    import math

    if sum(sizes) <= budget:
        return list(range(len(parts)))
    held = [stems(part) for part in parts]
    count = {}
    for one in held:
        for word in one:
            count[word] = count.get(word, 0) + 1
    weight = {word: math.log(1 + len(parts) / count[word]) for word in stems(claim) if word in count}
    left, chosen, used = dict(weight), [], 0
    while True:
        best, value = None, 0.0
        for number, one in enumerate(held):
            if number in chosen or used + sizes[number] > budget:
                continue
            score = sum(left.get(word, 0.0) + 0.15 * weight.get(word, 0.0) for word in one) / (1 + 0.15 * math.log(1 + sizes[number]))
            if score > value:
                best, value = number, score
        if best is None:
            break
        chosen.append(best)
        used += sizes[best]
        for word in held[best]:
            left.pop(word, None)
        if not left and len(chosen) >= 3:
            break
    for number in list(chosen):
        for beside in (number - 1, number + 1):
            if 0 <= beside < len(parts) and beside not in chosen and used + sizes[beside] <= budget:
                chosen.append(beside)
                used += sizes[beside]
    if not chosen:
        for number, size in enumerate(sizes):
            if used + size > budget:
                break
            chosen.append(number)
            used += size
    return sorted(chosen) or [0]


def other_number(number, draw):
    """A number of the same look, not the same."""
    digits = [place for place, sign in enumerate(number) if sign.isdigit()]
    plain = number.isdigit()
    if plain and draw.random() < 0.5:
        value = int(number)
        step = draw.choice([1, 2, 3, 5, 10]) if value > 12 else draw.choice([1, 2, 3])
        value = value + step if draw.random() < 0.5 or value <= step else value - step
        return str(value)
    while True:
        place = draw.choice(digits)
        digit = draw.choice([d for d in "123456789" if d != number[place]])
        changed = number[:place] + digit + number[place + 1 :]
        if changed != number:
            return changed


def swap_number(text, draw, others=()):
    found = list(NUMBER.finditer(text))
    if not found:
        return None
    match = draw.choice(found)
    same = [other for other in others if other != match.group() and len(other) == len(match.group())]
    new = draw.choice(same) if same and draw.random() < 0.6 else other_number(match.group(), draw)
    return text[: match.start()] + new + text[match.end() :]


def swap_name(text, draw, others):
    found = names(text)
    if not found:
        return None
    match = draw.choice(found)
    old = match.group()
    others = [other for other in others if other not in text and old not in other and other not in old]
    like = [other for other in others if other.count(" ") == old.count(" ")]
    if not (like or others):
        return None
    return text[: match.start()] + draw.choice(like or others) + text[match.end() :]


def swap_roles(text, draw):
    """Two names change places."""
    found = names(text, inner=False)
    if len(found) < 2:
        return None
    one, two = sorted(draw.sample(found, 2), key=lambda match: match.start())
    if one.group() in two.group() or two.group() in one.group():
        return None
    return text[: one.start()] + two.group() + text[one.end() : two.start()] + one.group() + text[two.end() :]


def negate(text, draw):
    """A "not" put in or taken away."""
    taken = re.subn(r"\b(is|are|was|were|has|have|had|can|could|will|would|should|must|may|does|did|do) not\b", r"\1", text, count=1)
    if taken[1]:
        return taken[0]
    found = list(AUXILIARY.finditer(text))
    if not found:
        return None
    match = found[0]
    word = " never" if draw.random() < 0.15 else " not"
    return text[: match.end()] + word + text[match.end() :]


def oppose(text, draw):
    """One word replaced by its opposite."""
    found = [match for match in WORD.finditer(text) if match.group().lower() in OPPOSITE]
    if not found:
        return None
    match = draw.choice(found)
    new = OPPOSITE[match.group().lower()]
    if match.group()[0].isupper():
        new = new.capitalize()
    return text[: match.start()] + new + text[match.end() :]


IRREGULAR = dict(pair.split("/") for pair in (
    "win/won become/became begin/began take/took give/gave make/made get/got go/went come/came write/wrote build/built leave/left lose/lost find/found hold/held"
    " meet/met lead/led sell/sold buy/bought send/sent speak/spoke run/ran see/saw have/had say/said think/thought tell/told know/knew fight/fought grow/grew"
    " fall/fell rise/rose break/broke choose/chose spend/spent keep/kept feel/felt bring/brought teach/taught sing/sang draw/drew drive/drove eat/ate pay/paid"
    " read/read put/put set/set cut/cut hit/hit let/let wear/wore throw/threw steal/stole stand/stood understand/understood mean/meant hear/heard be/was"
).split())
AFTER = r"(?:called|named|known as|known for|made of|used for|caused by|written by|led by|based on|\w+ed(?: (?:in|on|by|for|to|with|from|at|as))?|born|built|held|found|made|written|sold|won|seen|fought)"


def past(verb):
    if verb in IRREGULAR:
        return IRREGULAR[verb]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + "ed"


def statement(question, answer):
    """A question and its answer as a sentence, for the forms of questions where that is safe; else None."""
    question = question.strip().rstrip("?").strip()
    if len(answer.split()) > 12 or not answer:
        return None
    answer = answer.strip().rstrip(".")

    def placed(word):
        low = answer.split()[0].lower()
        if low in ("in", "on", "at", "by", "for", "to", "from", "during", "after", "before", "since", "between", "near"):
            return answer
        if word.lower() == "where":
            return "in " + answer
        if word.lower() == "when":
            return ("on " if re.match(r"\d{1,2} \w|\w+ \d{1,2}(,|$)", answer) else "in ") + answer
        return answer
    auxiliary = r"(?:is|was|are|were|did|does|do|has|have|had|can|could|will|would|should|may|might|must)"
    match = re.match(rf"(?:who|what) (?!{auxiliary}\b|happen)([a-z]+ed|{'|'.join(IRREGULAR.values())}) (.+)$", question, re.I)
    if match:
        return sentence_of(f"{answer} {match.group(1)} {match.group(2)}")
    match = re.match(rf"(who|what|where|when) (is|was|are|were) (.+) ({AFTER})$", question, re.I)
    if match:
        word, be, what, verb = match.groups()
        return sentence_of(f"{what} {be} {verb} {placed(word)}")
    match = re.match(r"(?:who|what) (is|was|are|were) (the [^,]+|his [^,]+|her [^,]+|its [^,]+)$", question, re.I)
    if match and not re.search(r" (for|of|in|by|to|with|from|on|at|about|as|like|doing|\w+ed)$", question):
        return sentence_of(f"{match.group(2)} {match.group(1)} {answer}")
    match = re.match(r"(who|what|where|when|how many \w+|how much \w+|which \w+|what \w+) did ((?:[A-Z][\w'.-]*(?: of | the | and | )?)+|he|she|it|they) ?([a-z]+)(.*)$", question)
    match = match or re.match(r"(Who|What|Where|When|How many \w+|How much \w+|Which \w+|What \w+) did ((?:[A-Z][\w'.-]*(?: of | the | and | )?)+|he|she|it|they) ?([a-z]+)(.*)$", question)
    if match:
        word, who, verb, rest = match.groups()
        counted = word.split()[-1] if word.lower().startswith("how") else ""
        what = f"{answer} {counted}".strip() if counted and counted not in answer else placed(word)
        if word.lower() in ("where", "when"):
            return sentence_of(f"{who.strip()} {past(verb)}{rest} {what}")
        return sentence_of(f"{who.strip()} {past(verb)} {what}{rest}")
    return None


def sentence_of(text):
    text = re.sub(r"\s+", " ", text).strip()
    return text[0].upper() + text[1:] + "."


def shorten(text, draw):
    """A true sentence made a little different: brackets, a leading phrase or a trailing clause left out."""
    tries = [
        re.sub(r" ?\([^)]*\)", "", text),
        re.sub(r"^(?:In|On|At|By|During|After|Before|However|Moreover|Also|Today|Then|Later|Meanwhile|Although)\b[^,]{0,60}, (\w)", lambda m: m.group(1).upper(), text),
        re.sub(r", (?:which|who|where|while|although|with|including|and|but)\b[^,]*\.$", ".", text),
        re.sub(r", [^,]{3,60}, ", " ", text, count=1),
    ]
    tries = [one for one in tries if one != text and len(one) > 25]
    return draw.choice(tries) if tries else text


def say_differently(text, draw):
    """Contractions, number words and a few words of the same meaning; nothing that changes what is said."""
    pairs = [
        (r"\bapproximately\b", "about"), (r"\babout (?=\d)", "around "), (r"\bhowever, ", ""), (r"\bcannot\b", "can not"), (r"\bn't\b", " not"), (r"\bapproved\b", "agreed to"),
        (r"\bbegan\b", "started"), (r"\bstarted\b", "began"), (r"\bpurchased\b", "bought"), (r"\bbought\b", "purchased"), (r"\blarge\b", "big"), (r"\breceived\b", "got"),
        (r"\bobtained\b", "got"), (r"\bseveral\b", "some"), (r"\bmany\b", "a lot of"), (r"\balso \b", ""), (r"\bcreated\b", "made"), (r"\bconstructed\b", "built"), (r"\bbuilt\b", "constructed"),
        (r"\bU\.S\.\b", "US"), (r"\bUnited States\b", "US"), (r"\brequire\b", "need"), (r"\brequires\b", "needs"), (r"\buses\b", "makes use of"), (r"\bprior to\b", "before"),
        (r"\bpercent\b", "%"), (r"%", " percent"), (r"\bbecause\b", "since"), (r"\bthe company\b", "the firm"), (r"\bchildren\b", "kids"), (r"\bfilm\b", "movie"), (r"\bmovie\b", "film"),
    ]
    draw.shuffle(pairs)
    changes = 0
    for pattern, new in pairs:
        changed = re.sub(pattern, new, text, count=1)
        if changed != text:
            text, changes = changed, changes + 1
        if changes == 2:
            break
    return text
