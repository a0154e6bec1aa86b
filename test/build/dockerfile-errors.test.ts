import { expect, it } from 'vitest'
import { explainFailure } from '../../src/build/dockerfile/explain.ts'
import { isAllowedImage } from '../../src/build/dockerfile/registries.ts'
import { loadConfig } from '../../src/config.ts'

const { registries } = loadConfig({})
const notAllowed = 'is not allowed on this server.'

/** What the builder said (buildah 1.39), and what is told. */
it.each([
  ['building at STEP "RUN echo "a": b; exit 3": exit status 3', 'RUN echo "a": b; exit 3: exited with 3'],
  ['building at STEP "RUN x": while running runtime: exit status 137', 'RUN x: exited with 137'],
  [
    'building at STEP "NONSENSE ": Build error: Unknown instruction: "NONSENSE" &imagebuilder.Step{Env:[]string{}}',
    'NONSENSE: Build error: Unknown instruction: "NONSENSE"',
  ],
  [
    'building at STEP "COPY nothing /": checking on sources under "/app": copier: stat: "/nothing": no such file or directory',
    'COPY nothing /: "/nothing": no such file or directory',
  ],
  [
    'building at STEP "RUN --security=insecure true": RUN only supports the --mount and --network flag',
    'RUN --security=insecure true: RUN only supports the --mount and --network flag',
  ],
  ['no FROM statement found', 'no FROM statement found'],
  [
    'creating build container: initializing source docker://127.0.0.1:5555/x/y:latest: pinging container registry 127.0.0.1:5555: a banner',
    `The registry of the image 127.0.0.1:5555/x/y ${notAllowed}`,
  ],
  [
    'COPY --from=10.0.0.1:80/q: no stage or image found with that name',
    `The registry of the image 10.0.0.1:80/q ${notAllowed}`,
  ],
  [
    'creating build container: initializing source docker://nothing:1: reading manifest 1 in docker.io/library/nothing: manifest unknown',
    'The image nothing:1 cannot be pulled: there is no such image.',
  ],
  [
    'creating build container: initializing source docker://ghcr.io/a/b:latest: reading manifest latest in ghcr.io/a/b: unauthorized: a page\nError: building at STEP "x": of another server',
    'The image ghcr.io/a/b cannot be pulled: its registry requires a login.',
  ],
  [
    'creating build container: sha256:6233: image not known',
    'The image sha256:6233 cannot be pulled: there is no such image.',
  ],
  [
    'building at STEP "ADD http://10.0.0.1/a /b": reading "http://10.0.0.1/a": Get "http://10.0.0.1/a": dial tcp: a banner',
    'ADD http://10.0.0.1/a /b: it cannot be fetched from here',
  ],
  [
    'building at STEP "ADD http://10.0.0.1/a /b": reading "http://10.0.0.1/a": invalid response status 404',
    'ADD http://10.0.0.1/a /b: the answer was 404',
  ],
  ['', 'The builder exited without a reason.'],
])('%s', (error, message) => {
  const said = error === '' ? '' : `time="…" level=warning msg="Error: x"\nError: ${error}\n`
  expect(explainFailure(said, registries)).toMatchObject({ code: 'build_failed', message })
})

it.each([
  ['debian', 'docker.io', true],
  ['acme/app:1', 'docker.io', true],
  ['docker.io/acme/app', 'docker.io/acme', true],
  ['docker.io/acmes/app', 'docker.io/acme', false],
  ['localhost/app', 'docker.io', false],
  ['ghcr.io.example.com/app', 'ghcr.io', false],
  ['a.example.com:5000/app', '*.example.com', true],
  ['example.com/app', '*.example.com', false],
  ['10.1.2.3:5000/app', 'http://10.1.2.3:5000', true],
  ['anything.example/app', 'any', true],
  ['debian', 'none', false],
])('%s, where the operator allows %s: %j', (image, setting, expected) => {
  expect(isAllowedImage(image, loadConfig({ PAAS_REGISTRIES: setting }).registries)).toBe(expected)
})
