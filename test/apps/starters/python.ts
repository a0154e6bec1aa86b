import type { Starter } from '../starter.ts'

const pip = (packages: string) =>
  `python3 -m venv /tmp/venv && . /tmp/venv/bin/activate && pip install --quiet ${packages} && pip freeze > requirements.txt`

export const python: Starter[] = [
  {
    name: 'Flask: quick start',
    pack: 'python',
    script: `${pip('flask')}
      printf '%s\\n' 'from flask import Flask' '' 'app = Flask(__name__)' '' '@app.route("/")' 'def hello_world():' \
        '    return "<p>Hello, World!</p>"' > hello.py`,
    path: '/',
    expected: /<p>Hello, World!<\/p>/,
    always: true,
  },
  {
    name: 'FastAPI: quick start',
    pack: 'python',
    script: `${pip('"fastapi[standard]"')}
      printf '%s\\n' 'from fastapi import FastAPI' '' 'app = FastAPI()' '' '@app.get("/")' 'async def root():' \
        '    return {"message": "Hello World"}' > main.py`,
    path: '/docs',
    expected: /FastAPI - Swagger UI/,
  },
  {
    name: 'Django: django-admin startproject',
    pack: 'python',
    script: `${pip('django')} && django-admin startproject mysite .`,
    path: '/',
    expected: /The install worked successfully! Congratulations!/,
  },
  {
    // What `streamlit hello` runs.
    name: 'Streamlit: its first example',
    pack: 'python',
    script: `${pip('streamlit')}
      cp -r /tmp/venv/lib/python3*/site-packages/streamlit/hello/. .`,
    path: '/_stcore/health',
    expected: /^ok$/,
  },
]
