// One Stan chain that takes its orders on standard input, one a line, and answers each with a line of numbers.
//
//   density VECTORS           -> log density of each vector of the file, constants dropped, Jacobian counted
//   start VECTOR              -> 0; the chain begins at the file's vector
//   warmup COUNT DELTA        -> CPU seconds, leapfrogs, step size; Stan's own windows and diagonal metric
//   draws COUNT COLUMNS FILE  -> CPU seconds, leapfrogs, divergent steps; to the file go, for each draw, the first
//                                so many unconstrained parameters
//
// Files hold doubles in the machine's order. The sampler is the one that Stan's services run
// (hmc_nuts_diag_e_adapt); it is called directly so that a chain can go on until it holds enough draws.

#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <stan/callbacks/logger.hpp>
#include <stan/io/json/json_data.hpp>
#include <stan/math.hpp>
#include <stan/mcmc/hmc/nuts/adapt_diag_e_nuts.hpp>
#include <stan/model/log_prob_grad.hpp>
#include <stan/model/model_base.hpp>
#include <stan/services/util/create_rng.hpp>

stan::model::model_base &new_model(stan::io::var_context &data, unsigned int seed, std::ostream *messages);

namespace {

using Sampler = stan::mcmc::adapt_diag_e_nuts<stan::model::model_base, stan::rng_t>;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

std::vector<double> read_doubles(const std::string &path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<double> values(file.tellg() / sizeof(double));
  file.seekg(0);
  file.read(reinterpret_cast<char *>(values.data()), values.size() * sizeof(double));
  return values;
}

class Chain {
 public:
  Chain(stan::model::model_base &model, unsigned int seed, unsigned int index)
      : model_(model), rng_(stan::services::util::create_rng(seed, index)), sampler_(model, rng_),
        sample_(Eigen::VectorXd(), 0, 0) {}

  std::size_t size() const { return model_.num_params_r(); }

  void density(const std::string &path) {
    std::vector<double> all = read_doubles(path), gradient;
    for (std::size_t first = 0; first < all.size(); first += size()) {
      std::vector<double> vector(all.begin() + first, all.begin() + first + size());
      std::printf("%.17g ", gradient_at(vector, gradient));
    }
  }

  void start(const std::string &path) { position_ = read_doubles(path); }

  // The settings are the defaults of Stan's own interfaces; only delta may be asked for.
  void warmup(int count, double delta) {
    const double stepsize = 1.0;
    sampler_.set_metric(Eigen::VectorXd(Eigen::VectorXd::Ones(size())));
    sampler_.set_nominal_stepsize(stepsize);
    sampler_.set_max_depth(10);
    auto &adaptation = sampler_.get_stepsize_adaptation();
    adaptation.set_mu(std::log(10 * stepsize));
    adaptation.set_delta(delta);
    adaptation.set_gamma(0.05);
    adaptation.set_kappa(0.75);
    adaptation.set_t0(10);
    sampler_.set_window_params(count, 75, 50, 25, log_);
    sampler_.engage_adaptation();
    sampler_.z().q = Eigen::Map<Eigen::VectorXd>(position_.data(), position_.size());
    sampler_.init_stepsize(log_);
    sample_ = stan::mcmc::sample(sampler_.z().q, 0, 0);
    for (int k = 0; k < count; ++k) step();
    sampler_.disengage_adaptation();
  }

  void draws(int count, std::size_t columns, const std::string &path) {
    std::ofstream file(path, std::ios::binary | std::ios::app);
    for (int k = 0; k < count; ++k) {
      step();
      file.write(reinterpret_cast<const char *>(sample_.cont_params().data()), columns * sizeof(double));
    }
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
  }

  double stepsize() { return sampler_.get_nominal_stepsize(); }
  long leapfrogs() const { return leapfrogs_; }
  long divergences() const { return divergences_; }
  void reset_counts() { leapfrogs_ = divergences_ = 0; }

 private:
  double gradient_at(std::vector<double> &vector, std::vector<double> &gradient) {
    std::vector<int> none;
    return stan::model::log_prob_grad<true, true>(model_, vector, none, gradient, &std::cerr);
  }

  void step() {
    sample_ = sampler_.transition(sample_, log_);
    std::vector<double> state;  // step size, tree depth, leapfrogs, divergent, energy
    sampler_.get_sampler_params(state);
    leapfrogs_ += static_cast<long>(state[2]);
    divergences_ += state[3] > 0 ? 1 : 0;
  }

  stan::model::model_base &model_;
  stan::rng_t rng_;
  Sampler sampler_;
  stan::callbacks::logger log_;  // silent: Stan reports every rejected proposal
  stan::mcmc::sample sample_;
  std::vector<double> position_;
  long leapfrogs_ = 0, divergences_ = 0;
};

void obey(Chain &chain, const std::string &line) {
  std::istringstream words(line);
  std::string order, path;
  int count = 0;
  words >> order;
  chain.reset_counts();
  double before = cpu_seconds();
  if (order == "density" && words >> path) {
    chain.density(path);
  } else if (order == "start" && words >> path) {
    chain.start(path);
    std::printf("0");
  } else if (double delta = 0; order == "warmup" && words >> count >> delta) {
    chain.warmup(count, delta);
    std::printf("%.9g %ld %.9g", cpu_seconds() - before, chain.leapfrogs(), chain.stepsize());
  } else if (std::size_t columns = 0; order == "draws" && words >> count >> columns >> path) {
    chain.draws(count, columns, path);
    std::printf("%.9g %ld %ld", cpu_seconds() - before, chain.leapfrogs(), chain.divergences());
  } else {
    throw std::runtime_error("cannot obey: " + line);
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 4) {
    std::cerr << "usage: " << argv[0] << " DATA.json SEED CHAIN\n";
    return 2;
  }
  try {
    std::ifstream file(argv[1]);
    stan::json::json_data data(file);
    const unsigned int seed = std::stoul(argv[2]);
    stan::model::model_base &model = new_model(data, seed, &std::cerr);
    Chain chain(model, seed, std::stoul(argv[3]));
    for (std::string line; std::getline(std::cin, line);) obey(chain, line);
  } catch (const std::exception &error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
