"""The inputs that scores share, with their units.

The ranges are metachron's own. They are wide, meant to catch a value in another unit (albumin in g/L is ten times the
value in g/dL, counts per µL are a thousand times those per nL), and say nothing of what is normal or healthy.
"""

from __future__ import annotations

from metachron.scores.score import Input

AGE = Input("age_year", "year", "age at day 0", low=0, high=120)
ALBUMIN = Input("albumin_g_per_dl", "g/dL", "serum albumin; g/L divided by 10", low=1, high=7)
ECOG = Input("ecog", "", "ECOG performance status", low=0, high=5)
LDH = Input("ldh", "U/L", "lactate dehydrogenase", low=20, high=50_000)
LDH_UPPER_LIMIT = Input(
    "ldh_upper_limit", "U/L", "upper limit of normal of the laboratory that measured ldh", low=80, high=1000
)
MET_SITES = Input("met_sites", "", "number of organs with metastases", low=0, high=50)
NLR = Input("nlr", "", "neutrophils divided by lymphocytes", low=0, high=200)
DNLR = Input("dnlr", "", "neutrophils divided by (leukocytes - neutrophils)", low=0, high=200)
NEUTROPHILS = Input("neutrophils_per_nl", "1/nL", "neutrophils, thousands per µL", low=0, high=200)
LYMPHOCYTES = Input("lymphocytes_per_nl", "1/nL", "lymphocytes, thousands per µL", low=0, high=200)
PLATELETS = Input("platelets_per_nl", "1/nL", "platelets, thousands per µL", low=1, high=3000)
TMB = Input("tmb_per_mb", "1/Mb", "tumour mutational burden of tissue", low=0, high=2000)
PDL1_TPS = Input("pdl1_percent", "%", "PD-L1 tumour proportion score", low=0, high=100)
PDL1_CPS = Input("pdl1_cps", "", "PD-L1 combined positive score", low=0, high=100)
PDL1_TC = Input("pdl1_tc_percent", "%", "tumour cells that express PD-L1 (SP142)", low=0, high=100)
PDL1_IC = Input("pdl1_ic_percent", "%", "tumour area taken by immune cells that express PD-L1 (SP142)", low=0, high=100)
PACK_YEARS = Input("pack_years", "pack-year", "packs of cigarettes a day times years", low=0, high=300)
PRIOR_SYSTEMIC = Input(
    "prior_systemic_therapy", "", "chemotherapy or targeted therapy before the checkpoint inhibitor", "yes_no"
)
INVOLVED_LIVER = Input("involved_liver", "", "a liver metastasis at baseline", "yes_no")
GASTROINTESTINAL = Input("gastrointestinal", "", "the primary tumour is gastrointestinal", "yes_no")
MSI = Input("msi_unstable", "", "the tumour is microsatellite unstable (MSI-H)", "yes_no")

MEASURED = (ALBUMIN, LDH, NLR, DNLR, NEUTROPHILS, LYMPHOCYTES, PLATELETS, TMB)
"""Values measured in each patient: the same value in all patients is no measurement."""
