"""Made-up office text with true and false sentences about it: codes, numbers, roles, decisions. Used for training only."""

FIRST = "Adam Beate Carlos Dana Elif Farid Greta Hugo Ines Jonas Kamala Leif Mona Nadia Otto Petra Quentin Rosa Samir Tilda Umar Vera Wanda Xaver Yusuf Zoe".split()
LAST = "Abel Brandt Costa Duarte Engel Foster Gruber Hansen Iversen Jensen Keller Lindqvist Moreau Novak Okafor Petrov Quist Romano Schmid Tanaka Urban Vogel Weber Young Zhang".split()
ROLES = [
    "project manager", "treasurer", "landlord", "plumber", "accountant", "secretary", "chair of the board", "head of sales", "data protection officer",
    "night nurse", "warehouse manager", "head of support", "site engineer", "auditor", "trainer", "receptionist", "security officer", "team lead", "electrician",
]
THINGS = [
    "the new printer", "the second vendor", "the travel budget", "the lease extension", "the office move", "the extra shift", "the software upgrade",
    "the membership fee increase", "the summer party", "the hiring of two interns", "the backup generator", "the new logo", "the parking rules", "the pilot in Lyon",
]
FAULTS = [
    "the pump runs dry", "the door is open", "the battery is low", "no paper is loaded", "the sensor is not connected", "the filter is blocked",
    "the password has expired", "the disk is full", "the network cable is unplugged", "the motor is too hot", "the licence key is invalid",
    "the water tank is empty", "the connection timed out", "the file is locked by another user", "the clock is wrong", "the lid is jammed",
]
SETTINGS = [
    ("timeout", "seconds"), ("retry limit", "attempts"), ("cache size", "MB"), ("upload limit", "GB"), ("session length", "minutes"), ("page size", "rows"),
    ("buffer length", "bytes"), ("log retention", "days"), ("worker count", "threads"), ("notice period", "weeks"), ("warranty", "months"), ("deposit", "euros"),
    ("top speed", "km/h"), ("working pressure", "bar"), ("operating voltage", "V"), ("tank volume", "litres"), ("maximum load", "kg"),
]
MONTHS = "January February March April May June July August September October November December".split()
CODES = ["ERR-{}", "HX{}", "F{}", "W-{}", "SYS_{}", "P{}", "AL-{}", "T{}A", "SVC-{}"]
PAST = [("approved", "did not approve"), ("rejected", "did not reject"), ("postponed", "did not postpone"), ("adopted", "did not adopt"), ("discussed", "did not discuss")]


def person(draw):
    return f"{draw.choice(FIRST)} {draw.choice(LAST)}"


def big(text):
    return text[0].upper() + text[1:]


def phone(draw):
    return f"0{draw.randint(20, 99)} {draw.randint(100, 999)} {draw.randint(1000, 9999)}"


def codes(draw):
    shape = draw.choice(CODES)
    start = draw.randint(10, 4000)
    numbers = [start + step for step in range(draw.choice([3, 4, 5]))] if draw.random() < 0.6 else draw.sample(range(10, 4000), 4)
    faults = draw.sample(FAULTS, len(numbers))
    labels = [shape.format(number) for number in numbers]
    line = draw.choice(["{}: {}.", "{} – {}", "{} means that {}.", "| {} | {} |", "Code {}: {}."])
    evidence = draw.choice([" ", "\n"]).join(line.format(label, big(fault) if ":" in line else fault) for label, fault in zip(labels, faults))
    one, two = draw.sample(range(len(numbers)), 2)
    say = draw.choice(["{} means that {}.", "The code {} says that {}.", "If {} is shown, {}.", "{} is shown when {}.", "When {}, the display shows {}."])

    def claim(label, fault):
        return big(say.format(fault, label) if say.startswith("When") else say.format(label, fault))
    return evidence, claim(labels[one], faults[one]), claim(labels[one], faults[two]), claim(labels[two], faults[one])


def contacts(draw):
    roles = draw.sample(ROLES, 3)
    people, numbers = [person(draw) for _ in roles], [phone(draw) for _ in roles]
    line = draw.choice(["{role}: {who}, telephone {number}.", "{who} ({role}), {number}", "The {role} is {who}; call {number}.", "{role} – {who} – {number}"])
    evidence = draw.choice([" ", "\n"]).join(big(line.format(role=r, who=p, number=n)) for r, p, n in zip(roles, people, numbers))
    one, two = draw.sample(range(3), 2)
    kind = draw.randrange(4)
    if kind == 0:
        say = draw.choice(["The {0} can be reached at {1}.", "The telephone number of the {0} is {1}.", "Call {1} to reach the {0}."])
        return evidence, say.format(roles[one], numbers[one]), say.format(roles[one], numbers[two]), say.format(roles[two], numbers[one])
    if kind == 1:
        say = draw.choice(["{1} is the {0}.", "The {0} is {1}.", "{1} works as {0}."])
        return evidence, say.format(roles[one], people[one]), say.format(roles[one], people[two]), say.format(roles[two], people[one])
    if kind == 2:
        say = draw.choice(["{1} can be reached at {0}.", "{1}'s number is {0}.", "To speak to {1}, call {0}."])
        return evidence, say.format(numbers[one], people[one]), say.format(numbers[one], people[two]), say.format(numbers[two], people[one])
    say = "Call {1} for the {0}."
    return evidence, say.format(roles[one], numbers[one]), say.format(roles[one], phone(draw)), say.format(roles[two], numbers[one])


def decisions(draw):
    things = draw.sample(THINGS, 3)
    acts = [draw.choice(PAST) for _ in things]
    body = draw.choice(["The board", "The committee", "The council", "The team", "The meeting"])
    who = person(draw)
    lines = [f"{body} {draw.choice(act)} {thing}." for act, thing in zip(acts, things)]
    one = draw.randrange(3)
    yes, no = acts[one]
    said = lines[one]
    truth = yes if f" {yes} " in said and no not in said else no
    opposite = no if truth == yes else yes
    extra = f"{who} will report on {things[(one + 1) % 3]} in {draw.choice(MONTHS)}."
    evidence = " ".join(lines + [extra])
    if draw.random() < 0.25:
        other = person(draw)
        return evidence, extra, extra.replace(who, other), f"{who} will report on {things[one]} in {draw.choice(MONTHS)}."
    thing = big(things[one])
    if truth in ("approved", "rejected", "postponed", "adopted", "discussed") and draw.random() < 0.4:
        return evidence, f"{thing} was {truth}.", f"{thing} was not {truth}.", f"{body} {opposite} {things[one]}."
    if draw.random() < 0.3 and truth.startswith("did not"):
        word = yes
        return evidence, f"{thing} was not {word}.", f"{thing} was {word}.", f"{body} {opposite} {things[one]}."
    return evidence, f"{body} {truth} {things[one]}.", f"{body} {opposite} {things[one]}.", f"{thing} was {yes if truth != yes else 'not ' + yes}."


def settings(draw):
    chosen = draw.sample(SETTINGS, 3)
    values = draw.sample([1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 24, 25, 30, 32, 40, 45, 48, 50, 60, 64, 75, 80, 90, 100, 120, 128, 150, 200, 250, 256, 300, 400, 500, 512], 3)
    line = draw.choice(["The {0} is {1} {2}.", "{0}: {1} {2}", "By default the {0} is {1} {2}.", "| {0} | {1} {2} |", "The {0} was raised to {1} {2}."])
    evidence = draw.choice([" ", "\n"]).join(big(line.format(name, value, unit)) for (name, unit), value in zip(chosen, values))
    one, two = draw.sample(range(3), 2)
    say = draw.choice(["The {0} is {1} {2}.", "The {0} is set to {1} {2}.", "It has a {0} of {1} {2}.", "The document gives {1} {2} as the {0}."])
    (name, unit), value = chosen[one], values[one]
    wrong = draw.choice([values[two], value * 10, value + draw.choice([1, 5, 10])])
    return evidence, say.format(name, value, unit), say.format(name, wrong, unit), say.format(chosen[two][0], value, chosen[two][1])


def reports(draw):
    one, two, three = (person(draw) for _ in range(3))
    verb, back = draw.choice([
        ("reports to", "is the manager of"), ("wrote a letter to", "received a letter from"), ("replaces", "is replaced by"), ("trained", "was trained by"),
        ("sold the house to", "bought the house from"), ("lent the car to", "borrowed the car from"), ("reviewed the work of", "had the work reviewed by"),
    ])
    day = f"{draw.randint(1, 28)} {draw.choice(MONTHS)}"
    evidence = f"{one} {verb} {two}. {three} was informed on {day}."
    if draw.random() < 0.3:
        other = f"{draw.randint(1, 28)} {draw.choice(MONTHS)}"
        return evidence, f"{three} was told about it on {day}.", f"{three} was told about it on {other}.", f"{one} was told about it on {day}."
    true = draw.choice([f"{one} {verb} {two}.", f"{two} {back} {one}."])
    return evidence, true, f"{two} {verb} {one}.", f"{one} {back} {two}." if draw.random() < 0.5 else f"{three} {verb} {two}."


def dates(draw):
    thing = draw.choice(["The contract", "The permit", "The certificate", "The insurance", "The lease", "The licence"])
    start, end = draw.randint(2005, 2018), draw.randint(2019, 2032)
    days = draw.sample(range(1, 29), 2)
    months = draw.sample(MONTHS, 2)
    first, last = f"{days[0]} {months[0]} {start}", f"{days[1]} {months[1]} {end}"
    evidence = draw.choice(["{t} begins on {a} and ends on {b}.", "{t} is valid from {a} to {b}.", "{t}: start {a}, end {b}."]).format(t=thing, a=first, b=last)
    evidence += " " + draw.choice(["It can be renewed once.", "Both parties have signed it.", "A copy is kept in the archive.", "It does not cover the cellar."])
    if draw.random() < 0.5:
        return evidence, f"{thing} ends on {last}.", f"{thing} ends on {first}.", f"{thing} ends on {days[1]} {months[1]} {end + 1}."
    return evidence, f"{thing} starts on {first}.", f"{thing} starts on {last}.", f"{thing} starts on {days[0]} {months[1]} {start}."


EVENTS = ["fire drill", "team lunch", "budget review", "safety training", "choir rehearsal", "board meeting", "blood donation", "book club", "product demonstration", "vaccination"]
ROOMS = ["hall A", "room 3.07", "the canteen", "the library", "the gym", "room 112", "the small office", "the foyer", "building C", "the garden"]
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
FIRMS = ["Halden Works", "Ostra Logistics", "Pinewood Labs", "Redfern & Co", "Silva Foods", "Tarn Energy", "Ulmer Bank", "Vantage Media", "Westbury Homes", "Corvin Tools"]
TOWNS = ["Ghent", "Porto", "Malmo", "Leeds", "Graz", "Tallinn", "Cork", "Basel", "Turin", "Bergen", "Nantes", "Gdansk"]
FLAGS = ["--all", "--check", "--depth", "--fast", "--keep", "--json", "--no-cache", "--strict", "--verbose", "-k", "-q", "-x"]
EFFECTS = ["removes the old files", "prints the version", "stops at the first error", "skips hidden folders", "writes a report", "keeps the temporary files", "asks before each change",
           "uses one thread only", "follows links", "sorts the output by size", "turns colours off", "reads the names from a file"]
GOODS = ["batteries", "the charger", "delivery", "breakfast", "parking", "the installation", "a spare key", "insurance", "cleaning", "heating costs", "the final exam", "a printed manual"]


def schedule(draw):
    events, rooms, days = draw.sample(EVENTS, 3), draw.sample(ROOMS, 3), draw.sample(DAYS, 3)
    hours = draw.sample(range(8, 20), 3)
    line = draw.choice(["The {e} is on {d} at {h}:00 in {r}.", "{d}, {h}:00, {r}: {e}", "{e} – {d} – {h}:00 – {r}", "On {d} at {h}:00 the {e} takes place in {r}."])
    evidence = draw.choice([" ", "\n"]).join(big(line.format(e=e, d=d, h=h, r=r)) for e, d, h, r in zip(events, days, hours, rooms))
    one, two = draw.sample(range(3), 2)
    kind = draw.randrange(3)
    if kind == 0:
        say = draw.choice(["The {} takes place on {}.", "The {} is on a {}.", "The day of the {} is {}."])
        return evidence, say.format(events[one], days[one]), say.format(events[one], days[two]), say.format(events[two], days[one])
    if kind == 1:
        say = draw.choice(["The {} is held in {}.", "People meet for the {} in {}."])
        return evidence, say.format(events[one], rooms[one]), say.format(events[one], rooms[two]), say.format(events[two], rooms[one])
    say = draw.choice(["The {} starts at {}:00.", "The {} begins at {} o'clock."])
    return evidence, say.format(events[one], hours[one]), say.format(events[one], hours[two]), say.format(events[two], hours[one])


def sites(draw):
    firms, towns, years = draw.sample(FIRMS, 3), draw.sample(TOWNS, 3), draw.sample(range(1950, 2024), 3)
    act, noun = draw.choice([("opened a plant in", "plant"), ("moved its head office to", "head office"), ("closed its shop in", "shop"), ("rents a warehouse in", "warehouse")])
    joined = draw.choice([". ", "; ", ", while "])
    evidence = big(joined.join(f"{f} {act} {t} in {y}" for f, t, y in zip(firms, towns, years))) + "."
    one, two = draw.sample(range(3), 2)
    if draw.random() < 0.5:
        say = draw.choice(["{} " + act + " {}.", "It was {} that " + act + " {}."])
        return evidence, say.format(firms[one], towns[one]), say.format(firms[one], towns[two]), say.format(firms[two], towns[one])
    say = draw.choice(["In {1} {0} " + act.rsplit(" ", 1)[0] + " another town." if "to" in act else "{0} did so in {1}.", "For {0} this was in {1}.", "The year for {0} is {1}."])
    return evidence, say.format(firms[one], years[one]), say.format(firms[one], years[two]), say.format(firms[two], years[one])


def flags(draw):
    names, effects = draw.sample(FLAGS, 3), draw.sample(EFFECTS, 3)
    line = draw.choice(["`{}` {}.", "{}  {}", "The option {} {}.", "{}: {}", "With {} the program {}."])
    evidence = draw.choice([" ", "\n"]).join(line.format(n, e) for n, e in zip(names, effects))
    one, two = draw.sample(range(3), 2)
    say = draw.choice(["{0} {1}.", "If {0} is given, the tool {1}.", "The program {1} when it is called with {0}."])
    return evidence, say.format(names[one], effects[one]), say.format(names[one], effects[two]), say.format(names[two], effects[one])


def included(draw):
    goods = draw.sample(GOODS, 3)
    what = draw.choice(["The price", "The rent", "The course fee", "The contract", "The offer", "The ticket"])
    yes, no = draw.choice([("includes", "does not include"), ("covers", "does not cover"), ("contains", "does not contain")])
    evidence = draw.choice([
        f"{what} {yes} {goods[0]} and {goods[1]}. It {no} {goods[2]}.", f"{what} {no} {goods[2]}. {big(goods[0])} and {goods[1]} are part of it.",
        f"{what} {yes} {goods[0]} and {goods[1]} but not {goods[2]}.", f"{big(goods[2])} must be paid extra. {what} {yes} {goods[0]} and {goods[1]}.",
    ])
    kind = draw.randrange(3)
    if kind == 0:
        return evidence, f"{what} {yes} {goods[0]}.", f"{what} {yes} {goods[2]}.", f"{what} {no} {goods[0]}."
    if kind == 1:
        return evidence, f"{what} {no} {goods[2]}.", f"{what} {no} {goods[1]}.", f"{what} {yes} {goods[2]}."
    return evidence, f"{big(goods[2])} is not included.", f"{big(goods[1])} is not included.", f"{big(goods[2])} is included."


def allowed(draw):
    acts = draw.sample(["park in the yard", "smoke on the balcony", "use the lift for furniture", "open the windows at night", "bring a dog", "share the password", "print in colour",
                        "eat at the desk", "enter the roof", "take photographs", "work from home", "store bicycles in the hall"], 2)
    who = draw.choice(["Visitors", "Tenants", "Employees", "Guests", "Students", "Members"])
    yes, no = draw.choice([("may", "may not"), ("can", "cannot"), ("are allowed to", "are not allowed to")])
    flip = draw.random() < 0.5
    one = f"{who} {no if flip else yes} {acts[0]}."
    evidence = " ".join(draw.sample([one, f"{who} {yes if flip else no} {acts[1]}.", draw.choice(["The rules apply from May on.", "Questions go to the office.", "The notice hangs at the door."])], 3))
    say_yes = draw.choice([f"It is allowed to {acts[0]}.", f"{who} {yes} {acts[0]}.", f"{who} are permitted to {acts[0]}."])
    say_no = draw.choice([f"It is forbidden to {acts[0]}.", f"{who} {no} {acts[0]}.", f"{who} must not {acts[0]}.", f"It is not allowed to {acts[0]}."])
    return (evidence, say_no, say_yes, say_yes) if flip else (evidence, say_yes, say_no, say_no)


def changes(draw):
    what = draw.choice(["Turnover", "The number of members", "The price of a ticket", "The water level", "The error rate", "The waiting time", "The headcount"])
    low, high = sorted(draw.sample(range(11, 99), 2))
    unit = draw.choice(["", " million", " percent", " thousand"])
    up = draw.random() < 0.5
    first, last = (low, high) if up else (high, low)
    year = draw.randint(2008, 2024)
    evidence = f"{what} {draw.choice(['rose', 'went up', 'increased'] if up else ['fell', 'went down', 'dropped'])} from {first}{unit} in {year} to {last}{unit} in {year + 1}."
    kind = draw.randrange(3)
    if kind == 0:
        return evidence, f"{what} {'increased' if up else 'decreased'}.", f"{what} {'decreased' if up else 'increased'}.", f"{what} stayed the same."
    if kind == 1:
        return evidence, f"In {year + 1} it was {last}{unit}.", f"In {year + 1} it was {first}{unit}.", f"In {year} it was {last}{unit}."
    return evidence, f"{what} was {'higher' if up else 'lower'} in {year + 1} than in {year}.", f"{what} was {'lower' if up else 'higher'} in {year + 1} than in {year}.", f"{what} was {last + 1}{unit} in {year + 1}."


PARTIES = [("lender", "borrower"), ("teacher", "pupil"), ("host", "guest"), ("supplier", "customer"), ("driver", "dispatcher"), ("author", "editor"), ("client", "server"),
           ("parser", "printer"), ("nurse", "doctor"), ("cook", "waiter"), ("agency", "contractor"), ("sender", "receiver"), ("master", "replica"), ("owner", "manager")]
DUTIES = ["checks the list", "keeps the records", "pays the fee", "cleans the tools", "signs the form", "sends the report", "opens the session", "closes the file", "writes the log",
          "brings the keys", "orders the parts", "counts the stock", "calls the office", "stores the result", "carries the cost of repairs", "informs the other side"]
KEPT = ["the invoices", "the spare keys", "the photographs", "the test data", "the personnel files", "the old servers", "the paint", "the first-aid box", "the contracts", "the winter tyres"]
WHERE = ["in the cellar", "in the archive", "on the second floor", "in cabinet 4", "at the branch in Lille", "in the cloud", "behind the counter", "in the safe", "at the depot", "in folder B"]


def duties(draw):
    one, two = draw.choice(PARTIES)
    if draw.random() < 0.5:
        one, two = two, one
    first, second = draw.sample(DUTIES, 2)
    evidence = draw.choice([f"The {one} {first}, the {two} {second}.", f"The {one} {first} and the {two} {second}.", f"The {one} {first}. Then the {two} {second}.",
                            f"While the {one} {first}, the {two} {second}.", f"{big(one)}: {first}. {big(two)}: {second}."])
    if draw.random() < 0.5:
        return evidence, f"The {two} {second}.", f"The {one} {second}.", f"The {two} {first}."
    return evidence, f"It is the {one} who {first}.", f"It is the {two} who {first}.", f"It is the {one} who {second}."


def places(draw):
    things, spots = draw.sample(KEPT, 2), draw.sample(WHERE, 2)
    evidence = draw.choice(["{} are kept {}, {} {}.", "{} are {}. {} are {}.", "You find {} {} and {} {}.", "{} were moved {}; {} stay {}."]).format(things[0], spots[0], things[1], spots[1])
    evidence = big(evidence) if not evidence.startswith("You") else evidence
    say = draw.choice(["{} are {}.", "{} can be found {}.", "Look for {} {}."])
    one = draw.randrange(2)
    return evidence, big(say.format(things[one], spots[one])), big(say.format(things[one], spots[1 - one])), big(say.format(things[1 - one], spots[one]))


def rows(draw, count):
    """(evidence, claim, true or not); now and then with a second text before or after."""
    makers = [codes, contacts, decisions, settings, reports, dates, schedule, sites, flags, included, allowed, changes, duties, places]
    for number in range(count):
        evidence, true, *false = makers[number % len(makers)](draw)
        if draw.random() < 0.35:
            other = draw.choice([maker for maker in makers if maker is not makers[number % len(makers)]])(draw)[0]
            evidence = f"{evidence} {other}" if draw.random() < 0.5 else f"{other} {evidence}"
        yield evidence, true, True
        yield evidence, draw.choice(false), False
