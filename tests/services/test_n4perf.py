import time
from tests.services.test_what_if import *
def test_perf():
    offerings = [quoted(f"{n}-{name}", f"Carrier {n}", name, 1000 + n, f"pkg-{n}", 2990 + 2 * n) for n in range(200) for name in LINES]
    offerings.sort(key=lambda o: LINES.index(o["category"]))
    quotes=[{"carrier":f"Carrier {n}","package_id":f"pkg-{n}","package_premium_annual":2990+2*n, **{l:{"premium_annual":1000+n,"quote_id":f"{n}-{l}"} for l in LINES}} for n in range(200)]
    run = run_of(offerings, LINES, quotes=quotes)
    sols=[solution(i+1,[line(l,f"Carrier {i%200}",1000,f"{i%200}-{l}") for l in LINES],cost=3000) for i in range(500)]
    t=time.perf_counter(); fr=Frozen(run.request,{}); a=time.perf_counter()
    o=read_offers(run.request,fr,LINES,{}); b=time.perf_counter()
    r=rank_packages(run,sols); c=time.perf_counter()
    w=work_out(o,Changes(),r,fr); d=time.perf_counter()
    print("FROZEN",a-t,"READ",b-a,"RANK",c-b,"WORK",d-c); assert 0
