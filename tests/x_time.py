import time, pytest
from django.urls import reverse
from tests import runs as made
from tests.fake_nexio import completed
@pytest.mark.django_db
def test_t(client, people):
    client.force_login(people["broker"])
    for n in (5,200,500):
        run=made.waiting_run(people["broker"]); usual=completed(run.request)["solutions"]
        made.answer(run,{"status":"completed","solutions":[{**usual[i%len(usual)],"rank":i+1} for i in range(n)]})
        for name,q in (("run_detail",""),("run_side_by_side","?pick=0&pick=1&pick=2&pick=3&incumbent=1")):
            u=reverse("quotes:"+name,args=[run.pk])+q; client.get(u); ts=[]
            for _ in range(5):
                t=time.perf_counter(); r=client.get(u); ts.append(time.perf_counter()-t)
            print(n,name,round(min(ts)*1000),"ms",len(r.content))
