#include "metrics/http_answer.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <exception>
#include <string>

#include "base/text.h"
#include "metrics/exposition.h"

namespace redline {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::string_view kPlainType = "text/plain; charset=utf-8";

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}
beast::string_view beastView(std::string_view text) {
  return {text.data(), text.size()};
}

HttpResponse answer(http::status status, std::string_view type, std::string body) {
  HttpResponse response(status, 11);
  response.set(http::field::content_type, beastView(type));
  response.keep_alive(false);
  response.body() = std::move(body);
  response.prepare_payload();
  return response;
}

/// A file of the page. It uses its own files and this server alone, and no other page may frame it.
/// dygraphs places its labels by style attributes.
HttpResponse answerWith(const Site::File& file) {
  HttpResponse response = answer(http::status::ok, file.type, std::string(file.body));
  response.set(http::field::cache_control, "no-cache");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Content-Security-Policy",
               "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr "
               "'unsafe-inline'; connect-src 'self'; "
               "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  return response;
}

HttpResponse answerWithMetrics(const Site& site) {
  try {
    return answer(http::status::ok, kExpositionType, site.metrics());
  } catch (const std::exception&) {  // no memory for the page; the run continues
    return answer(http::status::service_unavailable, kPlainType, "try again\n");
  }
}

/// `text`: of a Host header, with or without a port.
bool isOurs(std::string_view text, const Site& site) {
  const bool isV6 = text.starts_with('[');
  const std::size_t end = isV6 ? text.find(']') : text.find(':');
  if (isV6 && end == std::string_view::npos) return false;
  const std::string name(text.substr(isV6 ? 1 : 0, isV6 ? end - 1 : end));
  const std::string_view rest =
      end == std::string_view::npos ? std::string_view() : text.substr(isV6 ? end + 1 : end);
  if (!rest.empty() && !rest.starts_with(':')) return false;
  boost::system::error_code problem;
  if (isV6) {
    boost::asio::ip::make_address_v6(name, problem);
    return !problem.failed();
  }
  if (name.empty() || equalIgnoringCase(name, "localhost") || equalIgnoringCase(name, site.host))
    return true;
  boost::asio::ip::make_address_v4(name, problem);
  return !problem.failed();
}

HttpResponse answerWithBody(const HttpRequest& request, const Site& site) {
  if (namesAnotherHost(request, site))
    return answer(http::status::forbidden, kPlainType,
                  "forbidden: ask for localhost or for an address, not for another name\n");
  const std::string_view path = pathOf(request);
  const auto file = site.files.find(path);
  const bool isEvents = site.feed != nullptr && path == "/events";
  if (file == site.files.end() && path != "/metrics" && !isEvents)
    return answer(http::status::not_found, kPlainType, "not found: GET / or GET /metrics\n");
  if (request.method() != http::verb::get) {
    HttpResponse refusal = answer(http::status::method_not_allowed, kPlainType, "use GET\n");
    refusal.set(http::field::allow, "GET");
    return refusal;
  }
  return file == site.files.end() ? answerWithMetrics(site) : answerWith(file->second);
}

}  // namespace

bool namesAnotherHost(const HttpRequest& request, const Site& site) {
  if (site.host.empty()) return false;
  const auto [first, last] = request.equal_range(http::field::host);
  return std::any_of(first, last,
                     [&](const auto& header) { return !isOurs(view(header.value()), site); });
}

std::string_view pathOf(const HttpRequest& request) {
  const std::string_view target = view(request.target());
  return target.substr(0, target.find('?'));
}

bool asksForEvents(const HttpRequest& request, const Site& site) {
  return site.feed != nullptr && request.method() == http::verb::get &&
         pathOf(request) == "/events" && !namesAnotherHost(request, site);
}

std::uint64_t lastSeen(const HttpRequest& request, const EventFeed& feed) {
  constexpr std::string_view kAfter = "?after=";
  const std::string_view target = view(request.target());
  if (const auto header = request.find("Last-Event-ID"); header != request.end())
    return feed.numberOf(view(header->value()));
  const std::size_t asked = target.find(kAfter);
  return asked == std::string_view::npos ? 0 : feed.numberOf(target.substr(asked + kAfter.size()));
}

HttpResponse answerTo(const HttpRequest& request, const Site& site) {
  HttpResponse response = answerWithBody(request, site);
  // What answers a HEAD says how long its body would be, and has none.
  if (request.method() == http::verb::head) response.body().clear();
  return response;
}

bool isMalformed(const boost::system::error_code& problem) {
  return problem.category() == http::make_error_code(http::error::bad_method).category() &&
         problem != http::error::end_of_stream && problem != http::error::partial_message;
}

HttpResponse answerTo(const boost::system::error_code& problem) {
  const bool tooLong = problem == http::error::header_limit;
  return answer(tooLong ? http::status::request_header_fields_too_large : http::status::bad_request,
                kPlainType, "this is not a request that can be answered: GET / or GET /metrics\n");
}

}  // namespace redline
