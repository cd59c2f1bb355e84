"""Algorithm selection on an ASlib scenario: 10 x 10-fold remaining gap, and predictions for its test part."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
from options import Options, data_folder
from report import Report, Table
