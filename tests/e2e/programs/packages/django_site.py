"""Django: models in SQLite, templates, sessions, and a view that keeps something of each visit.

    django_site.py VISITS

Half of the visits come from django's own client, half through its server's threads and a socket.
"""

import sys
import threading
import urllib.request

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="-", ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:site?mode=memory&cache=shared"}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.common.CommonMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}])
django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.template import engines  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402

FILL = b"."
HISTORY = []
PAGE = engines["django"].from_string(
    "{% for group in groups %}<li>{{ group.name|upper }}</li>{% endfor %} visit {{ number }}")


def visit(request, number):
    picture = FILL * 2967  # leaks
    HISTORY.append(picture)
    request.session["last"] = number
    groups = Group.objects.filter(name__contains="1").order_by("-name")
    return HttpResponse(PAGE.render({"groups": groups, "number": number}))


urlpatterns = [path("visit/<int:number>", visit)]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def by_client(visits):
    client = Client()
    for number in range(visits):
        answer = client.get(f"/visit/{number}")
        assert answer.status_code == 200 and answer.content.endswith(b"visit %d" % number)
    return len(answer.content)


def by_socket(visits):
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(get_wsgi_application())
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    for number in range(visits):
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/visit/{number}") as answer:
            assert answer.read().endswith(b"visit %d" % number)
    server.shutdown()
    serving.join()
    server.server_close()


def main(visits):
    call_command("migrate", verbosity=0)
    Group.objects.bulk_create(Group(name=f"group {n}") for n in range(20))
    print(by_client(visits // 2))
    by_socket(visits - visits // 2)
    print(f"expected: {len(HISTORY)} blocks, {sum(map(sys.getsizeof, HISTORY))} bytes")


main(int(sys.argv[1]))
