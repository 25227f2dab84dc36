"""A small cohort that keeps every rule, as CSV texts and as a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from metachron.cohort import Cohort
from metachron.cohort.folder import read_folder

TEXTS = {
    "patients.csv": """patient,study,arm,age_year,sex,site
P1,T,docetaxel,61,female,north
P2,T,docetaxel,70.5,male,south
P3,T,atezolizumab,,male,
P4,T,atezolizumab,48,female,north
""",
    "lesions.csv": """patient,lesion,organ,role
P1,a,liver,target
P1,b,lung,target
P2,a,bone,target
P3,a,brain,target
P3,n,bone,non_target
""",
    "measurements.csv": """patient,lesion,day,size_mm,state
P1,a,-7,34,measured
P1,b,-7,21.5,measured
P1,a,42,20,measured
P1,b,42,,below_limit
P2,a,0,50,measured
P2,a,40,60,measured
P3,a,-3,18,measured
P3,a,42,0,absent
P3,n,-3,,present
P4,,-1,80,measured
P4,,41,64,measured
""",
    "visits.csv": "patient,day\nP1,-7\nP1,42\nP2,0\nP2,40\nP3,-3\nP3,42\nP4,-1\nP4,41\n",
    "events.csv": """patient,kind,day_lower,day_upper,organ
P1,death,312,312,
P2,progression,0,40,
P3,new_lesion,42,42,liver
""",
    "followup.csv": """patient,kind,entry_day,last_day
P1,death,0,312
P2,death,0,100
P3,death,0,420
P4,death,0,77.5
P2,progression,0,40
P3,new_lesion,0,42
""",
    "markers.csv": "patient,marker,day,value,unit\nP1,ctDNA,0,1.8,MTM/mL\nP1,ctDNA,42,0.4,MTM/mL\n",
    "therapies.csv": """patient,drug,drug_class,start_day,stop_day,dose,line
P1,docetaxel,chemotherapy,0,63,75,2
P4,atezolizumab,immunotherapy,0,,1200,2
""",
}


@pytest.fixture
def texts() -> dict[str, str]:
    """The tables of a valid cohort as CSV texts, by file name."""
    return dict(TEXTS)


@pytest.fixture
def write_texts(tmp_path: Path) -> Callable[[dict[str, str | bytes]], Path]:
    """Write texts to files of a folder and return it."""

    def write(texts: dict[str, str | bytes]) -> Path:
        folder = tmp_path / "trial"
        folder.mkdir()
        for name, text in texts.items():
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder

    return write


@pytest.fixture
def cohort(texts: dict[str, str], write_texts: Callable[..., Path]) -> Cohort:
    """The valid cohort."""
    return read_folder(write_texts(texts))


@pytest.fixture
def tables(cohort: Cohort) -> dict[str, pl.DataFrame]:
    """The typed tables of the valid cohort."""
    return dict(cohort.tables)
