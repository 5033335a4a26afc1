"""The routes of frameworks, as people wrote them: what requests are counted by."""

import sys


def route_text(scope, route, application):
    """The text of what a router left in the scope: a route of Starlette's kind, an endpoint, or a
    text already. None: it has none."""
    if isinstance(route, str):
        return route
    own = _path_of(route)
    if own is None or not scope.get("root_path"):
        found = _find(application, route, "", 0, set())
        return found if found is not None else own
    found = _find(application, route, "", 0, set())
    if found is not None:
        return found
    return own if own.startswith(scope["root_path"]) else scope["root_path"] + own


def _path_of(route):
    for name in ("path_format", "path"):
        path = getattr(route, name, None)
        if isinstance(path, str):
            return path or "/"
    return None


_MOST_MIDDLEWARE = 64


def _find(application, wanted, prefix, depth, seen):
    """The full path of the route (or of the route of the endpoint) `wanted` below an application or
    a mount; None when it is not there."""
    for _ in range(_MOST_MIDDLEWARE):  # what wraps an application calls it `app`
        routes = getattr(application, "routes", None)
        if routes is not None or not hasattr(application, "app"):
            break
        application = application.app
    else:
        return None
    if not isinstance(routes, (list, tuple)) or depth > 8 or (id(application), prefix) in seen:
        return None
    seen.add((id(application), prefix))
    for route in routes:
        path = _path_of(route)
        if path is None:
            continue
        inner = getattr(route, "app", None)
        is_mount = getattr(route, "routes", None) is not None and not hasattr(route, "endpoint")
        if route is wanted or (not is_mount and getattr(route, "endpoint", None) is wanted):
            return prefix + path if not is_mount else prefix + _mount_path(route) + "/*"
        if is_mount:
            if inner is wanted:
                return prefix + _mount_path(route) + "/*"
            found = _find(route, wanted, prefix + _mount_path(route), depth + 1, seen)
            if found is not None:
                return found
    return None


def _mount_path(mount):
    path = getattr(mount, "path", "")
    return path.rstrip("/")


def watch_django():
    """Django keeps the route with its request: it is written into the scope or the environ, too."""
    base = sys.modules.get("django.core.handlers.base")
    if base is None or hasattr(base.BaseHandler.resolve_request, "__duet__"):
        return
    resolve = base.BaseHandler.resolve_request

    def resolve_request(self, request):
        match = resolve(self, request)
        route = getattr(match, "route", None)
        if isinstance(route, str):
            kept = getattr(request, "scope", None)
            (request.META if kept is None else kept)["duet.route"] = "/" + route.lstrip("^/")
        return match

    resolve_request.__duet__ = True
    base.BaseHandler.resolve_request = resolve_request
