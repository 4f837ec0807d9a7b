"""The admin site that shows shared models on the public site and tenant models in tenants."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.sites import AdminSite
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver

from multi_tenant.contrib.admin.scope import ScopedRoute, admin_is_here, is_here

VIEW_ON_SITE = "view_on_site"


class TenantAdminSite(AdminSite):
    """An admin site whose models come and go with the place: of those that live elsewhere it knows no URL.

    A site of another package is divided likewise by a class that derives from this one first, and then from its own.
    """

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        known = set(self._registry)
        super().register(model_or_iterable, admin_class, **options)
        for model in self._registry.keys() - known:
            keep_inlines_here(self._registry[model])

    def get_urls(self) -> list[Any]:
        models = {route_of(model): model for model in self._registry}
        urls = [self._scoped(url, models) for url in super().get_urls()]
        return [URLResolver(ScopedRoute("", admin_is_here), urls)]

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        response: Any = AutocompleteHere.as_view(admin_site=self)(request)
        return response  # type: ignore[no-any-return]  # the base view is typed for any response

    def _scoped(self, url: Any, models: dict[str, type[Model]]) -> Any:
        """A URL of the stock site, with what keeps it to its place."""
        if isinstance(url, URLResolver) and (model := models.get(str(url.pattern))) is not None:
            url.pattern = ScopedRoute(str(url.pattern), functools.partial(is_here, model))
        elif isinstance(url, URLPattern) and url.name == VIEW_ON_SITE:
            url.callback = self._shortcut_here(url.callback)
        return url

    def _shortcut_here(self, shortcut: Callable[..., Any]) -> Callable[..., Any]:
        """Django's way to an object's page asks for the object in the database of its content type."""

        @functools.wraps(shortcut)
        def view(request: HttpRequest, content_type_id: str, object_id: str) -> Any:
            if self.has_permission(request) and is_of_elsewhere(content_type_id):
                raise Http404
            return shortcut(request, content_type_id, object_id)

        return view

    def _build_app_dict(self, request: HttpRequest, label: Any = None) -> Any:
        # A copy that knows fewer models, so that no ModelAdmin of elsewhere is asked anything: it may ask its table.
        here = copy.copy(self)
        here._registry = {model: admin for model, admin in self._registry.items() if is_here(model)}
        return super(TenantAdminSite, here)._build_app_dict(request, label)


class AutocompleteHere(AutocompleteJsonView):
    """Completes nothing from, or for, a model that lives elsewhere."""

    def process_request(self, request: HttpRequest) -> Any:
        found: Any = super().process_request(request)
        _, model_admin, source_field, _ = found
        if not is_here(source_field.model) or not is_here(model_admin.model):
            raise PermissionDenied
        return found


def route_of(model: type[Model]) -> str:
    """The route that an admin site gives to a model's pages."""
    return f"{model._meta.app_label}/{model._meta.model_name}/"


def keep_inlines_here(model_admin: ModelAdmin[Any]) -> None:
    """Leave out the inlines of a ModelAdmin whose models live elsewhere: one of both places may have some of either.

    On the object, since the class may be registered on other sites too.
    """
    given = model_admin.get_inline_instances

    @functools.wraps(given)
    def get_inline_instances(*args: Any, **kwargs: Any) -> list[Any]:
        return [inline for inline in given(*args, **kwargs) if is_here(inline.model)]

    model_admin.get_inline_instances = get_inline_instances  # type: ignore[method-assign]  # on purpose


def is_of_elsewhere(content_type_id: str) -> bool:
    """Whether a content type is of a model that lives elsewhere; one that is not there is left to the stock view."""
    content_types: Any = apps.get_model("contenttypes.ContentType")._default_manager
    try:
        model = content_types.get_for_id(content_type_id).model_class()
    except (ObjectDoesNotExist, ValueError):
        return False
    return model is not None and not is_here(model)
