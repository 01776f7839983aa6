from kpis.folding cimport Folding
from kpis.state cimport Customer
