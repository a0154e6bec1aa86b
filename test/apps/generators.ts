/** An app as its own project's generator or quick start makes it, and what tells that it is served. */
export type Generated = {
  name: string
  /** Makes the app in the current directory, with the package registries at hand. */
  script: string
  path: string
  expected: RegExp
  buildpack: string
}

const pip = (packages: string) =>
  `python3 -m venv /tmp/venv && . /tmp/venv/bin/activate && pip install --quiet ${packages} && pip freeze > requirements.txt`

/** In the order of how long they take. */
export const generators: Generated[] = [
  {
    name: 'a Flask quick start',
    script: `${pip('flask')}
      printf '%s\\n' 'from flask import Flask' '' 'app = Flask(__name__)' '' '@app.route("/")' 'def hello_world():' \
        '    return "<p>Hello, World!</p>"' > hello.py`,
    path: '/',
    expected: /<p>Hello, World!<\/p>/,
    buildpack: 'Python',
  },
  {
    name: 'an app of express-generator',
    script:
      'npm exec --yes express-generator -- --view=pug --git . && npm install --package-lock-only --ignore-scripts',
    path: '/users',
    expected: /respond with a resource/,
    buildpack: 'Node.js',
  },
  {
    name: 'a FastAPI quick start',
    script: `${pip('"fastapi[standard]"')}
      printf '%s\\n' 'from fastapi import FastAPI' '' 'app = FastAPI()' '' '@app.get("/")' 'async def root():' \
        '    return {"message": "Hello World"}' > main.py`,
    path: '/docs',
    expected: /FastAPI - Swagger UI/,
    buildpack: 'Python',
  },
  {
    name: 'a project of django-admin',
    script: `${pip('django')} && django-admin startproject mysite .`,
    path: '/',
    expected: /The install worked successfully! Congratulations!/,
    buildpack: 'Python',
  },
  {
    name: 'a React app of create-vite',
    script: 'npm exec --yes create-vite@latest -- site --template react --no-interactive && mv site/* site/.[a-z]* .',
    path: '/any/page',
    expected: /<div id="root"><\/div>/,
    buildpack: 'Node.js',
  },
  {
    // Empty, because the full one fetches its fonts from elsewhere while it is built.
    name: 'an app of create-next-app',
    script: `npm exec --yes create-next-app@latest -- site --yes --empty --skip-install --disable-git --use-npm
      mv site/* site/.[a-z]* .`,
    path: '/',
    expected: /Hello world!/,
    buildpack: 'Node.js',
  },
]
