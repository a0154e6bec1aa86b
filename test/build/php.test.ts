import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Builder, runIn, type AppBuilder } from './builder.ts'

const builder = new Builder()
let app: AppBuilder
/** A directory with a package of Debian's Symfony, an app of its documentation, and a lock file. */
let symfony: string
beforeAll(async () => {
  await builder.buildImage(['php'])
  symfony = await builder.generate(
    ['composer', 'php-symfony-framework-bundle', 'php-mbstring', 'php-xml', 'php-zip'],
    makeSymfony,
  )
  app = await builder.app({ 'index.php': '' })
}, 900_000)
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await builder[Symbol.asyncDispose]()
})

const composer = (settings: object) => JSON.stringify({ repositories: [{ 'packagist.org': false }], ...settings })
const lock = (...packages: object[]) =>
  JSON.stringify({
    'content-hash': '',
    packages,
    'packages-dev': [],
    platform: {},
    'platform-dev': {},
    'stability-flags': {},
  })
const remote = { name: 'a/b', version: '1.0', dist: { type: 'zip', url: 'https://packages.invalid/b.zip' } }

const symfonyPackage = JSON.stringify({
  name: 'symfony/symfony',
  version: '6.4.0',
  autoload: {
    'psr-4': { 'Symfony\\': 'Symfony/', 'Psr\\': 'Psr/' },
    files: ['Symfony/Contracts/Deprecation/function.php', 'Symfony/Component/String/Resources/functions.php'],
  },
})
const symfonyApp = JSON.stringify({
  repositories: [{ type: 'artifact', url: 'packages' }, { 'packagist.org': false }],
  require: { php: '>=8.2', 'symfony/symfony': '^6.4' },
  autoload: { 'psr-4': { 'App\\': 'src/' } },
})
/** The micro kernel that Symfony's documentation begins with. */
const kernel = `<?php
namespace App;

use Symfony\\Bundle\\FrameworkBundle\\FrameworkBundle;
use Symfony\\Bundle\\FrameworkBundle\\Kernel\\MicroKernelTrait;
use Symfony\\Component\\DependencyInjection\\Loader\\Configurator\\ContainerConfigurator;
use Symfony\\Component\\HttpFoundation\\{JsonResponse, Request};
use Symfony\\Component\\Routing\\Loader\\Configurator\\RoutingConfigurator;

class Kernel extends \\Symfony\\Component\\HttpKernel\\Kernel
{
    use MicroKernelTrait;

    public function registerBundles(): array { return [new FrameworkBundle()]; }

    protected function configureContainer(ContainerConfigurator $container): void
    {
        $container->extension('framework', ['secret' => '%env(SECRET)%', 'http_method_override' => false, 'php_errors' => ['log' => true]]);
        $container->parameters()->set('env(SECRET)', 'none');
    }

    protected function configureRoutes(RoutingConfigurator $routes): void
    {
        $routes->add('hello', '/hello/{name}')->controller([$this, 'hello']);
    }

    public function hello(string $name, Request $request): JsonResponse
    {
        return new JsonResponse([$name, $this->environment, $request->getUri(), $request->getClientIp()]);
    }
}
`
const front = (lines: string) => `<?php
require dirname(__DIR__).'/vendor/autoload.php';
$kernel = new App\\Kernel($_SERVER['APP_ENV'] ?? 'dev', (bool) ($_SERVER['APP_DEBUG'] ?? true));
${lines}
`
const makeSymfony = `mkdir -p packages public bin src config /tmp/symfony
cp -r /usr/share/php/Symfony /usr/share/php/Psr /tmp/symfony/
find /tmp/symfony -name autoload.php -delete
echo '${symfonyPackage}' >/tmp/symfony/composer.json
(cd /tmp/symfony && zip -qr /srv/app/packages/symfony.zip .)
echo '${symfonyApp}' >composer.json
COMPOSER_ALLOW_SUPERUSER=1 composer update --no-install --no-interaction`
const symfonyFiles = {
  'src/Kernel.php': kernel,
  'public/index.php': front(
    '$kernel->handle(Symfony\\Component\\HttpFoundation\\Request::createFromGlobals())->send();',
  ),
  'public/style.css': 'body {}\n',
  'bin/console': front('(new Symfony\\Bundle\\FrameworkBundle\\Console\\Application($kernel))->run();'),
}

describe('a PHP app', () => {
  it('of files is served as it lies there', async () => {
    await app.replace({
      'index.php': '<?php echo "Hello from PHP ", PHP_MAJOR_VERSION, "\\n";',
      'about.php': '<?php error_log("asked"); echo $_SERVER["PATH_INFO"] ?? "", getenv("GREETING"), "\\n";',
      '.tool-versions': 'php 8.4.1\n',
      'notes/.secret': '',
    })
    const result = await app.build()
    expect(result).toMatchObject({ buildpack: 'PHP', processTypes: { web: 'heroku-php-nginx .' } })
    expect(app.output).toMatch(/-----> Using PHP 8\.4\.\d+ of the stack \(\.tool-versions: 8\.4\.1\)/)
    await using running = await app.serve(result, { GREETING: 'hi' })
    expect(await running.get('/')).toMatchObject({ status: 200, body: 'Hello from PHP 8\n' })
    expect(await running.get('/about.php/more')).toMatchObject({ status: 200, body: '/morehi\n' })
    expect(await running.get('/none')).toMatchObject({ status: 404 })
    expect(await running.get('/notes/.secret')).toMatchObject({ status: 404 })
  })

  it('ends with either of its two programs', async () => {
    const result = await app.build()
    const run = 'PORT=5000 heroku-php-nginx & until curl -sfo /dev/null localhost:5000; do :; done'
    for (const program of ['nginx', 'php-fpm8.4']) {
      const { output } = await runIn(result, `${run}; kill $(pgrep -o -x ${program}); wait $!; echo ended`)
      expect(output).toContain('ended')
    }
  })

  it('of Symfony has its cache warm and knows how it was asked', async () => {
    await app.replace(symfonyFiles, symfony)
    const result = await app.build()
    expect(app.output).toContain('A symfony app: APP_ENV is prod')
    await using running = await app.serve(result)
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7', 'x-forwarded-port': '443' }
    const { status, body } = await running.get('/hello/you?x=1', headers)
    expect({ status, body: JSON.parse(body) as unknown }).toEqual({
      status: 200,
      body: ['you', 'prod', 'https://an-app.localhost/hello/you?x=1', '203.0.113.7'],
    })
    expect(await running.get('/style.css')).toMatchObject({ status: 200, body: 'body {}\n' })
  })

  it('has its packages from the cache when the lock file is unchanged, and its own code as it is now', async () => {
    await app.commit({ 'src/Kernel.php': kernel.replace('[$name,', '["changed",') })
    const result = await app.build()
    expect(app.output).toContain('composer.lock has not changed: restoring the packages from the cache')
    await using running = await app.serve(result)
    expect((await running.get('/hello/you')).body).toContain('changed')
  })

  it('may have its packages in git, and a Procfile as on Heroku', async () => {
    await app.replace({
      'composer.json': composer({ require: { 'a/b': '1.0' } }),
      'composer.lock': lock(remote),
      'vendor/composer/installed.json': JSON.stringify({
        packages: [{ ...remote, 'install-path': '../a/b' }],
        dev: false,
      }),
      'vendor/a/b/b.php': '<?php return "vendored";',
      'site/index.php': '<?php echo require "../vendor/a/b/b.php";',
      'nginx.conf': 'location = /ping { return 200 "pong"; }\n',
      Procfile: 'web: vendor/bin/heroku-php-apache2 -C nginx.conf site/\n',
    })
    const result = await app.build()
    expect(app.output).toContain(' !     The site is served by nginx')
    await using running = await app.serve(result)
    expect(await running.get('/any')).toMatchObject({ status: 200, body: 'vendored' })
    expect(await running.get('/ping')).toMatchObject({ status: 200, body: 'pong' })
  })
})

describe('a PHP app that cannot be built', () => {
  it.each([
    ['has no lock file', { 'composer.json': composer({ require: { 'a/b': '1.0' } }) }, 'there is no composer.lock'],
    ['has a composer.json that is none', { 'composer.json': '{' }, 'composer.json is not JSON'],
    [
      'needs an extension',
      { 'composer.json': composer({ require: { 'ext-swoole': '*' } }), 'composer.lock': lock() },
      'the PHP extension swoole is not there',
    ],
    [
      'has another composer.json than lock file',
      { 'composer.json': composer({ require: { 'a/b': '1.0' } }), 'composer.lock': lock() },
      'composer.lock does not match composer.json',
    ],
    [
      'needs a server that is away',
      { 'composer.json': composer({ require: { 'a/b': '1.0' } }), 'composer.lock': lock(remote) },
      'packages.invalid is not reached',
    ],
    ['has no site', { 'composer.json': composer({}) }, 'there is no index.php in public, web, webroot or the root'],
    [
      'has a script that fails',
      { 'composer.json': composer({ scripts: { 'post-install-cmd': 'false' } }), 'composer.lock': lock() },
      'the script false of composer.json failed',
    ],
  ])('because it %s is told what to do', async (_, files, reason) => {
    await app.replace(files)
    await expect(app.build()).rejects.toThrow(`build failed: ${reason}`)
    expect(app.output).toMatch(/^ !     \S/m)
  })
})
