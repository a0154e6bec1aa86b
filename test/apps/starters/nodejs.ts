import type { Starter } from '../starter.ts'

export const nodejs: Starter[] = [
  {
    name: 'Express: express-generator',
    pack: 'nodejs',
    script:
      'npm exec --yes express-generator -- --view=pug --git . && npm install --package-lock-only --ignore-scripts',
    path: '/users',
    expected: /respond with a resource/,
    always: true,
  },
  {
    name: 'React: create-vite',
    pack: 'nodejs',
    script: 'npm exec --yes create-vite@latest -- site --template react --no-interactive && mv site/* site/.[a-z]* .',
    path: '/any/page',
    expected: /<div id="root"><\/div>/,
  },
  {
    // Empty, because the full one fetches its fonts from elsewhere while it is built.
    name: 'Next.js: create-next-app',
    pack: 'nodejs',
    script: `npm exec --yes create-next-app@latest -- site --yes --empty --skip-install --disable-git --use-npm
      mv site/* site/.[a-z]* .`,
    path: '/',
    expected: /Hello world!/,
  },
]
