"""The phrases that name a column, as data: spellings, fixed groups of words, targets.

Phrases are sets of words: order and "of", "the", "$" do not matter.
"""

from __future__ import annotations

SPELLINGS = {
    spelling: word
    for word, spellings in {
        "home": "homeowner homeowners ho dp condo hom hmo",
        "auto": "automobile automobiles autos pap",
        "umbrella": "umb pup plup pul umbr",
        "package": "pkg bundle bundled combined packaged pkge",
        "insured": "client applicant customer household policyholder prospect insureds",
        "premium": "prem prm prems premiums price cost pricing rate",
        "annual": "annually yearly annualized annualised ann",
        "semiannual": "semiannually halfyear biannual",
        "year": "yr yrs",
        "month": "months mo mos mth mths",
        "id": "number num no nbr # ref reference ids",
        "quote": "quotes qt qte proposal",
        "carrier": "company insurer co underwriter provider carriers companies",
        "expires": "expire expiration expiry exp expired",
        "effective": "eff effdate",
        "expdate": "expdt",
        "deductible": "deductibles ded deds deduct dedn",
        "coverage": "coverages cov covs covg cvg",
        "limit": "limits lim lmt lmts",
        "liability": "liab",
        "product": "plan program",
        "name": "names",
        "address": "addr",
        "zip": "zipcode postal postcode",
        "comprehensive": "comp otc",
        "collision": "coll",
        "medical": "med",
        "payments": "pay pmts pmt payment pymts",
        "medpay": "medpmt medpm",
        "uninsured": "uninsd",
        "underinsured": "underinsd",
        "um": "umbi",
        "uim": "uimbi",
        "required": "reqd req require requires underlying",
        "hurricane": "hurr hur",
        "earthquake": "eq quake",
        "aop": "aops",
        "structures": "structure struct structs",
        "ordinance": "ord",
        "broker": "agent producer csr",
        "fee": "fees",
        "standalone": "monoline mono",
        "roadside": "towing tow ers",
        "driver": "drivers",
        "line": "lob",
        "state": "st",
        "through": "thru until till to",
        "valid": "good",
        "amount": "amt amts",
        "date": "dt dates",
        "first": "fname given",
        "last": "lname surname",
        "6": "six",
        "12": "twelve",
    }.items()
    for spelling in spellings.split()
    if spelling
}

WORD_GROUPS: dict[tuple[str, ...], list[str]] = {
    tuple(words.split()): meant.split()
    for words, meant in {
        "home owners": "home",
        "home owner": "home",
        "per year": "annual",
        "a year": "annual",
        "car premium": "auto premium",
        "car insurance": "auto",
        "vehicle premium": "auto premium",
        "house premium": "home premium",
        "house insurance": "home",
        "personal auto": "auto",
        "private passenger auto": "auto",
        "auto mobile": "auto",
        "excess liability": "umbrella",
        "excess liab": "umbrella",
        "personal umbrella": "umbrella",
        "personal liability umbrella": "umbrella",
        "personal excess": "umbrella",
        "personal excess liability": "umbrella",
        "grand total": "total",
        "all lines": "total",
        "overall": "total",
        "semi annual": "semiannual",
        "half year": "semiannual",
        "medical payments": "medpay",
        "zip code": "zip",
        "zip plus 4": "zip",
        "eff date": "effective date",
        "paid in full": "pif",
        "payments in full": "pif",
        "pd in full": "pif",
        "full payments": "pif",
        "stand alone": "standalone",
        "all other perils": "aop",
        "all other peril": "aop",
        "all perils": "aop",
        "all peril": "aop",
        "bodily injury": "bi",
        "property damage": "pd",
        "combined single limit": "csl",
        "package single limit": "csl",
        "single limit": "csl",
        "uninsured motorist": "um",
        "uninsured motorists": "um",
        "underinsured motorist": "uim",
        "underinsured motorists": "uim",
        "uninsured underinsured motorist": "um uim",
        "uninsured underinsured motorists": "um uim",
        "um bi": "um",
        "uim bi": "uim",
        "other than collision": "comprehensive",
        "named storm": "namedstorm",
        "wind hail": "windhail",
        "wind and hail": "windhail",
        "w h": "windhail",
        "windstorm hail": "windhail",
        "loss of use": "lossofuse",
        "additional living expense": "lossofuse",
        "additional living expenses": "lossofuse",
        "personal property": "contents",
        "pers prop": "contents",
        "pers property": "contents",
        "other structures": "otherstructures",
        "water back up": "waterbackup",
        "water backup": "waterbackup",
        "water sewer backup": "waterbackup",
        "sewer backup": "waterbackup",
        "back up": "waterbackup",
        "ordinance or law": "ordinancelaw",
        "ordinance and law": "ordinancelaw",
        "ordinance law": "ordinancelaw",
        "o l": "ordinancelaw",
        "line of business": "line",
        "self insured retention": "retention",
        "self insured ret": "retention",
        "ins carrier": "carrier",
    }.items()
}

LINE_FIELDS = {
    "premium_annual": "|premium|annual|annual premium|6 month premium|6 month|12 month premium|"
    "12 month|semiannual premium|semiannual|term premium|full term premium|quote premium|"
    "quoted premium|quoted annual premium|estimated premium|estimated annual premium|new premium|"
    "6 month term premium|12 month term premium|premium 12 month annual|"
    "premium year|annual premium year",
    "quote_ref": "quote id|id|carrier quote id|carrier id",
    "product_name": "product|product name|quote product",
    "effective_date": "effective|effective date|start date|inception|inception date|"
    "proposed effective date|requested effective date",
    "fees": "fee|taxes and fee|taxes fee|policy fee|fee taxes",
    "paid_in_full": "pif|pif premium|annual pif|pif annual premium|pif total",
    "standalone": "standalone|standalone premium|standalone annual premium",
    "status": "status|quote status|indicative final|indication final|price status",
}
"""What every line has; under no line's name they are the row's own line (a row a line)."""

HOME = {
    "home.form": "form|policy form|form type|form policy",
    "home.coverage_a": "dwelling|coverage a|a|coverage a dwelling|dwelling coverage a",
    "home.coverage_b": "otherstructures|coverage b|b|coverage b otherstructures",
    "home.coverage_c": "contents|coverage c|c|coverage c contents|contents coverage c",
    "home.coverage_d": "lossofuse|ale|lou|coverage d|d|coverage d lossofuse|coverage d ale",
    "home.coverage_e": "liability|personal liability|coverage e|e|coverage e liability|"
    "coverage e personal liability",
    "home.coverage_f": "medpay|coverage f|f|coverage f medpay|medpay to others|medical",
    "home.valuation": "valuation|loss settlement|settlement|rc acv|rcv acv|dwelling valuation|"
    "acv rc|dwelling loss settlement",
    "home.water_backup": "waterbackup|water|water waterbackup|waterbackup sewer",
    "home.ordinance_or_law": "ordinancelaw|ordinance",
    "home.deductibles": "deductible|all deductible",
    "home.deductible_aop": "aop|aop deductible",
    "home.deductible_wind_hail": "windhail|windhail deductible|wind deductible|hail deductible|"
    "windstorm deductible|wind|wind h deductible",
    "home.deductible_named_storm": "namedstorm|namedstorm deductible|ns deductible|ns",
    "home.deductible_hurricane": "hurricane|hurricane deductible",
    "home.deductible_earthquake": "earthquake deductible",
}
AUTO = {
    "auto.liability": "bi|bi pd|bi limit|bi pd limit|liability|liability limit|limit|split limit|"
    "bi pd liability|bi liability|bi pd liability limit",
    "auto.bi_per_person": "bi person|bi each person|bi pp",
    "auto.bi_per_accident": "bi accident|bi each accident|bi occurrence|bi each occurrence",
    "auto.property_damage": "pd|pd limit|pd liability|pd accident|pd each accident",
    "auto.combined_single_limit": "csl|csl limit",
    "auto.um_uim": "um uim|um|uim|um limit|um uim limit|um uim bi|uninsured underinsured",
    "auto.medical_payments": "medpay|medical|medical expense",
    "auto.pip": "pip|personal injury protection",
    "auto.comprehensive": "comprehensive|comprehensive deductible",
    "auto.collision": "collision|collision deductible",
    "auto.rental": "rental|rental reimbursement|rental car|rental auto|transportation expense|"
    "rental reimb",
    "auto.towing": "roadside|roadside labor|roadside assistance|roadside and labor",
    "auto.excluded_drivers": "excluded driver|driver excluded|driver exclusion|driver exclusions",
}
UMBRELLA = {
    "umbrella.limit": "limit|coverage|liability|liability limit|coverage limit",
    "umbrella.retention": "retention|sir|deductible",
    "umbrella.required_auto": "required auto|required auto liability|required auto bi|"
    "required auto limit|required auto bi pd|minimum auto|minimum auto limit",
    "umbrella.required_coverage_e": "required coverage e|required home|required home liability|"
    "required liability|required personal liability|required home coverage e|required e",
    "umbrella.excess_um_uim": "excess um uim|excess um|excess uim",
}
ADDRESS = {
    "street": "address|street|street address|address 1|address line 1|street 1|mailing address|"
    "property address|risk address|location address|location|residence address|home address|"
    "insured address|garaging address|address street",
    "city": "city|town|property city|mailing city|risk city|address city|home city",
    "state": "state|property state|mailing state|risk state|address state|home state|province",
    "zip_code": "zip|property zip|mailing zip|risk zip|address zip|home zip|zip 4|zip code",
}
QUOTE = {
    "term_months": "term|term month|policy term|policy period|term length|month|months term",
    "generated_at": "quoted|quote date|date quoted|generated|generated at|quote generated|"
    "quote generated at|quoted date|run date|date run|rated|rated date|date rated|premium date",
    "expires_at": "expires|expires date|quote expires|quote expires date|valid through|"
    "valid through date|quote valid through|premium valid through|bind|expdate|offer expires|"
    "quoted expires|last day bind|last day to bind|bindable through|premium expires|"
    "quote valid for through",
    "broker": "broker|broker name|quoted broker",
}
ALONE_OF = {
    "home": {
        "dwelling", "otherstructures", "contents", "lossofuse", "ale", "lou", "waterbackup",
        "ordinancelaw", "valuation", "loss settlement", "rc acv", "rcv acv", "acv rc",
        "personal liability", "policy form", "form", "dwelling valuation",
    },
}  # fmt: skip
"""What is home's under no line's name, beside coverages A–F and deductibles."""

NOT_ALONE = {"", "id", "annual", "6 month", "12 month", "semiannual", "status", "quote status"}
"""Without a line's name these may be anything: "#" counts rows, a status may be the broker's."""


def _alone() -> dict[str, str]:
    rules: dict[str, list[str]] = {}
    for target, phrases in HOME.items():
        kept = [
            phrase
            for phrase in phrases.split("|")
            if phrase in ALONE_OF["home"] or phrase.startswith("coverage ")
        ]
        if ".deductible" in target:
            kept = phrases.split("|")
        rules[target] = kept
    for target, phrases in AUTO.items():
        if target not in {"auto.liability", "auto.medical_payments"}:
            rules[target] = phrases.split("|")
    rules["auto.liability"] = [p for p in AUTO["auto.liability"].split("|") if "bi" in p.split()]
    for target in ("retention", "required_auto", "required_coverage_e", "excess_um_uim"):
        rules[f"umbrella.{target}"] = [
            p for p in UMBRELLA[f"umbrella.{target}"].split("|") if p != "deductible"
        ]
    for code, phrases in LINE_FIELDS.items():
        rules[f"line.{code}"] = [p for p in phrases.split("|") if p not in NOT_ALONE]
    for target, phrases in (ADDRESS | QUOTE).items():
        rules[target] = phrases.split("|")
    return {target: "|".join(phrases) for target, phrases in rules.items()}


ALONE = _alone() | {
    "line": "line|line type|policy type|coverage type|coverage|product line|line coverage|"
    "type coverage|type policy|insurance type|type insurance",
    "carrier": "carrier|carrier name|name carrier|writing carrier|insurance carrier|"
    "quote carrier|market",
    "applicant_name": "insured|insured name|named insured|name insured|full name|primary insured|"
    "primary named insured|first named insured|insured full name",
    "first_name": "first name|insured first name|first",
    "last_name": "last name|insured last name|last",
    "insured_id": "insured id|id insured",
}
"""By no scope at all, or with the scope's own word among the words that must be there."""

BY_SCOPE: dict[str, dict[str, str]] = {
    "home": HOME,
    "auto": AUTO,
    "umbrella": UMBRELLA,
    "package": {
        "package_premium_annual": LINE_FIELDS["premium_annual"].lstrip("|"),
        "package_id": "id|quote id",
        **QUOTE,
    },
    "insured": ADDRESS,
}
