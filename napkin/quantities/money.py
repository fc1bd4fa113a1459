"""Symbols of money: the price of a GPU-hour, and what a user and a token cost.

An entry reads: name, unit, meaning, shown symbol, domain, value assumed when nobody gives one;
`key` is the key in a Hugging Face ``config.json``.
"""

# One line an entry: this is a table, and reads as one.
# fmt: off
from .quantity import AT_LEAST_ONE, FRACTION, NON_NEGATIVE, Domain, declare

# Money
price = declare("price", "USD/h", "price of one GPU for an hour", r"c_\mathrm{gpu}", hint="there is no default price", per=("GPU",), also=("gpu_price", "hourly_price"))
month = declare("month", "h", "length of a month", r"t_\mathrm{month}", Domain("at least 600 hours (a month of 30 days has 720)", low=600), 720, ideal=True)
cost_per_user_hour = declare("cost_per_user_hour", "USD/(user h)", "cost of one user for an hour", r"c_\mathrm{hour}")
cost_per_user_month = declare("cost_per_user_month", "USD/user", "cost of one user for a month", r"c_\mathrm{month}")
cost_per_million_tokens = declare("cost_per_million_tokens", "USD/Mtoken", "cost of a million generated tokens", r"c_\mathrm{Mtok}")
capex = declare("capex", "USD", "purchase price of one GPU with its share of the server", r"c_\mathrm{buy}", per=("GPU",))
lifetime = declare("lifetime", "h", "hours over which it is written off", r"t_\mathrm{life}", Domain("at least 1,000 hours (a year has 8,760)", low=1000))
power = declare("power", "kW", "electric power of one GPU with its share of the server", r"P_\mathrm{el}", Domain("above 0 and at most 20 kW for one GPU", high=20, open_low=True), per=("GPU",))
pue = declare("pue", "1", "power of the building for each watt of computers", "PUE", AT_LEAST_ONE)
electricity_price = declare("electricity_price", "USD/kWh", "price of electricity", r"c_\mathrm{el}", NON_NEGATIVE)
capex_per_user = declare("capex_per_user", "USD/user", "purchase price for each user", r"c_\mathrm{buy,user}")
utilization = declare("utilization", "1", "share of the paid time that does useful work", "U", FRACTION)
effective_price = declare("effective_price", "USD/h", "price of one useful GPU-hour", r"c_\mathrm{eff}")
# fmt: on
