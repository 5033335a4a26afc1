"""A small library with Django, in one file: `duet serve main:asgi`, or `duet serve main:wsgi`."""

import asyncio
import hashlib
import json

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import (Http404, HttpResponse, HttpResponseRedirect, JsonResponse,
                         StreamingHttpResponse)
from django.urls import include, path

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="an example's",
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    django.setup()


def home(request):
    return HttpResponse("<h1>Library</h1>")


def book(request, number):
    if number > 99:
        raise Http404("no such book")
    return JsonResponse({"book": number, "shelf": request.GET.get("shelf", "A"),
                         "script": request.META["SCRIPT_NAME"]})


async def later(request, number):
    """Asynchronous: on the host's loop in ASGI, on a loop of its thread's in WSGI."""
    await asyncio.sleep(0)
    return JsonResponse({"later": number})


def add(request):
    try:
        data = json.loads(request.body)
    except ValueError:
        return JsonResponse({"error": "no JSON"}, status=400)
    return JsonResponse({"added": data}, status=201, headers={"X-Library": "open"})


def upload(request):
    file = request.FILES["file"]
    return JsonResponse({"name": file.name, "size": file.size, "title": request.POST["title"],
                         "sha256": hashlib.sha256(file.read()).hexdigest()})


def visit(request):
    visits = int(request.COOKIES.get("visits", "0")) + 1
    response = HttpResponse(str(visits), content_type="text/plain")
    response.set_cookie("visits", str(visits), httponly=True)
    response.set_cookie("theme", "dark")
    return response


def old(request):
    return HttpResponseRedirect("/books/1/")


def numbers(request):
    return StreamingHttpResponse((f"{number}\n" for number in range(5)), content_type="text/plain")


def broken(request):
    raise RuntimeError("on purpose")


books = [path("<int:number>/", book), path("<int:number>/later/", later), path("add/", add)]
urlpatterns = [
    path("", home),
    path("books/", include(books)),
    path("upload/", upload),
    path("visit/", visit),
    path("old/", old),
    path("numbers/", numbers),
    path("broken/", broken),
]

asgi = get_asgi_application()
wsgi = get_wsgi_application()
