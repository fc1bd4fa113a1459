"""Symbols of money: the price of a GPU-hour, and what a user and a token cost.

An entry reads: name, unit, meaning, shown symbol, domain, value assumed when nobody gives one;
`key` is the key in a Hugging Face ``config.json``.
"""

# One line an entry: this is a table, and reads as one.
# fmt: off
from .quantity import AT_LEAST_ONE, FRACTION, NON_NEGATIVE, SHARE, Domain, declare

# Money
price = declare("price", "USD/h", "price of one GPU for an hour", r"c_\mathrm{gpu}", hint="there is no default price", per=("GPU",), also=("gpu_price", "hourly_price"))
month = declare("month", "h", "length of a month", r"t_\mathrm{month}", Domain("at least 600 hours (a month of 30 days has 720)", low=600), 720, ideal=True)
cost_per_user_hour = declare("cost_per_user_hour", "USD/(user h)", "cost of one user for an hour", r"c_\mathrm{hour}")
cost_per_user_month = declare("cost_per_user_month", "USD/user", "cost of one user for a month", r"c_\mathrm{month}")
cost_per_million_tokens = declare("cost_per_million_tokens", "USD/Mtoken", "cost of a million generated tokens, prompts included", r"c_\mathrm{Mtok}")
cost_per_request = declare("cost_per_request", "USD/request", "cost of one request, prompt and answer", r"c_\mathrm{req}")
prompt_cost_share = declare("prompt_cost_share", "1", "share of a request's cost that its prompt causes", r"\phi_c", SHARE)
cost_per_million_input_tokens = declare("cost_per_million_input_tokens", "USD/Mtoken", "cost of reading a million prompt tokens", r"c_\mathrm{in}", NON_NEGATIVE)
cost_per_million_output_tokens = declare("cost_per_million_output_tokens", "USD/Mtoken", "cost of writing a million tokens, prompts apart", r"c_\mathrm{out}", NON_NEGATIVE)
cost_per_subscriber_month = declare("cost_per_subscriber_month", "USD/subscriber", "cost of one subscriber for a month", r"c_\mathrm{sub}")
capex = declare("capex", "USD", "purchase price of one GPU with its share of the server", r"c_\mathrm{buy}", per=("GPU",))
lifetime = declare("lifetime", "h", "time over which it is written off", r"t_\mathrm{life}", Domain("at least 1,000 hours (a year has 8,760)", low=1000))
power = declare("power", "kW", "electric power of one GPU with its share of the server", r"P_\mathrm{el}", Domain("above 0 and at most 20 kW for one GPU", high=20, open_low=True), per=("GPU",), hint="the power of the board alone, as in the catalog, leaves out the rest of the server")
energy_per_token = declare("energy_per_token", "J/token", "electric energy of one generated token, prompts included", r"E_\mathrm{tok}")
energy_per_request = declare("energy_per_request", "J/request", "electric energy of one request", r"E_\mathrm{req}")
pue = declare("pue", "1", "power of the building for each watt of computers", "PUE", AT_LEAST_ONE)
electricity_price = declare("electricity_price", "USD/kWh", "price of electricity", r"c_\mathrm{el}", NON_NEGATIVE)
capex_per_user = declare("capex_per_user", "USD/user", "purchase price for each user", r"c_\mathrm{buy,user}")
utilization = declare("utilization", "1", "share of the paid time that does useful work", "U", FRACTION, 1, ideal=True)
effective_price = declare("effective_price", "USD/h", "price of one useful GPU-hour", r"c_\mathrm{eff}")
# Somebody else's GPUs
api_input_price = declare("api_input_price", "USD/Mtoken", "what an API asks for a million prompt tokens", r"p_\mathrm{in}", NON_NEGATIVE, hint="or take a list price of nk.catalog.api_prices()")
api_cached_input_price = declare("api_cached_input_price", "USD/Mtoken", "what an API asks for a million prompt tokens found in its cache", r"p_\mathrm{hit}", NON_NEGATIVE)
api_output_price = declare("api_output_price", "USD/Mtoken", "what an API asks for a million generated tokens", r"p_\mathrm{out}", NON_NEGATIVE, hint="or take a list price of nk.catalog.api_prices()")
api_cost_per_request = declare("api_cost_per_request", "USD/request", "what an API asks for one request", r"p_\mathrm{req}")
break_even_requests_per_second = declare("break_even_requests_per_second", "request/s", "requests at which own GPUs cost as much as the API", r"\lambda^{*}")
break_even_load = declare("break_even_load", "1", "share of the replica's capacity at which own GPUs cost as much as the API", r"U^{*}")
# fmt: on
