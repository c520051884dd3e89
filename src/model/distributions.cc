// Distributions by Boost.Math. Its headers are included in this file only: they take seconds to
// compile.
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/hypergeometric.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "model/statistics.h"

namespace redline {
namespace {

namespace policies = boost::math::policies;

// In double throughout: long double would double the code for digits that are never shown. An
// argument outside the domain gives NaN and throws nothing.
using Policy = policies::policy<
    policies::promote_double<false>, policies::domain_error<policies::ignore_error>,
    policies::overflow_error<policies::ignore_error>, policies::pole_error<policies::ignore_error>,
    policies::evaluation_error<policies::ignore_error>>;
using StudentT = boost::math::students_t_distribution<double, Policy>;
using FisherF = boost::math::fisher_f_distribution<double, Policy>;
using Binomial = boost::math::binomial_distribution<double, Policy>;
using Hypergeometric = boost::math::hypergeometric_distribution<double, Policy>;

}  // namespace

double studentTCdf(double t, double degrees) {
  return cdf(StudentT(degrees), t);
}

double studentTQuantile(double p, double degrees) {
  return quantile(StudentT(degrees), p);
}

double fTail(double f, double numeratorDegrees, double denominatorDegrees) {
  if (std::isinf(f)) return 0;  // outside Boost's domain
  return cdf(complement(FisherF(numeratorDegrees, denominatorDegrees), f));
}

double binomialCdf(double successes, double trials, double chance) {
  return cdf(Binomial(trials, chance), successes);
}

double hypergeometric(unsigned marked, unsigned ofMarked, unsigned drawn, unsigned total) {
  return pdf(Hypergeometric(ofMarked, drawn, total), marked);
}

}  // namespace redline
