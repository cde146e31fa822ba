/** A step of a rule: within so many characters behind the step before it, one of these texts stands. */
export type Step = readonly [within: number, ...texts: string[]]

/** A licence by what its text says, in order. Texts are in the form that `wordsOf` gives. */
export interface TextRule {
  /** An SPDX id. */
  readonly id: string
  /** The first step's distance is not looked at. */
  readonly steps: readonly Step[]
}

const BSD_HEAD: readonly Step[] = [
  [
    0,
    'redistribution and use in source and binary forms with or without modification',
    'redistribution and use of this software in source and binary forms with or without modification',
  ],
  [20, 'permitted provided that', 'permitted under'],
  [40, 'conditions are met'],
  [12, 'redistributions of source code must retain'],
  [40, 'copyright notice'],
  [60, 'list of conditions and the following disclaimer'],
  [80, 'redistributions in binary form must reproduce'],
  [40, 'copyright notice'],
  [
    60,
    'list of conditions and the following disclaimer in the documentation and or other materials provided with the distribution',
  ],
]
const BSD_ADVERTISING: Step = [
  14,
  'all advertising materials mentioning features or use of this software must display the following ack',
]
const BSD_ENDORSEMENT: readonly Step[] = [
  [14, 'neither the name', 'the name of', 'the names of', 'the name'],
  [300, 'be used to endorse or promote products derived from this software'],
  [40, 'prior written permission', 'prior permission', 'written permission'],
]
const BSD_TAIL: readonly Step[] = [
  [24, 'software is provided'],
  [260, 'as is and any express'],
  [1300, 'possibility of such damage'],
]

const EXPAT: readonly Step[] = [
  [0, 'permission is hereby granted free of charge to any person obtaining a copy'],
  [120, 'to deal in the'],
  [
    50,
    'without restriction including without limitation the rights to use copy modify merge publish distribute sublicense and or sell copies',
  ],
  [160, 'subject to the following conditions'],
  [14, 'the above copyright notice'],
  [140, 'shall be included in all copies or substantial portions'],
  [80, 'provided as is without warranty of any kind'],
  [800, 'or other dealings in'],
]

const SELL =
  'permission to use copy modify distribute and sell this software and its documentation for any purpose is hereby granted without fee provided that the above copyright notice appear in all copies and that both that copyright notice and this permission notice appear in supporting documentation'

/** From the most particular to the most general: what a rule has found is gone for those behind it. */
export const TEXT_RULES: readonly TextRule[] = [
  {
    id: 'BSD-4-Clause-UC',
    steps: [
      ...BSD_HEAD,
      BSD_ADVERTISING,
      [40, 'this product includes software developed by the university of california berkeley and its contributors'],
      ...BSD_ENDORSEMENT,
      ...BSD_TAIL,
    ],
  },
  {
    id: 'BSD-4-Clause',
    steps: [
      ...BSD_HEAD,
      BSD_ADVERTISING,
      [400, 'neither the name', 'the name'],
      [300, 'be used to endorse or promote products derived from this software'],
      ...BSD_ENDORSEMENT.slice(2),
      ...BSD_TAIL,
    ],
  },
  { id: 'BSD-3-Clause', steps: [...BSD_HEAD, ...BSD_ENDORSEMENT, ...BSD_TAIL] },
  { id: 'BSD-2-Clause', steps: [...BSD_HEAD, ...BSD_TAIL] },
  {
    id: 'X11',
    steps: [
      ...EXPAT,
      [80, 'except as contained in this notice the name of', 'except as contained in this notice the names of'],
      [
        100,
        'shall not be used in advertising or otherwise to promote the sale use or other dealings in this software without prior written authorization',
      ],
    ],
  },
  { id: 'MIT', steps: EXPAT },
  {
    id: 'MIT-open-group',
    steps: [
      [0, SELL],
      [
        14,
        'the above copyright notice and this permission notice shall be included in all copies or substantial portions',
      ],
      [700, 'except as contained in this notice the name of'],
      [250, 'prior written authorization'],
    ],
  },
  {
    id: 'HPND-sell-variant',
    steps: [
      [0, SELL],
      [14, 'and that the name'],
      [
        120,
        'not be used in advertising or publicity pertaining to distribution of the software without specific written prior permission',
      ],
      [160, 'representations about the suitability of this software for any purpose'],
      [60, 'as is without express or implied warranty'],
      [900, 'use or performance of this software'],
    ],
  },
  {
    id: 'ISC',
    steps: [
      [
        0,
        'permission to use copy modify and distribute this software for any purpose with or without fee is hereby granted provided that the above copyright notice and this permission notice appear in all copies',
        'permission to use copy modify and or distribute this software for any purpose with or without fee is hereby granted provided that the above copyright notice and this permission notice appear in all copies',
      ],
      [30, 'software is provided as is and'],
      [120, 'disclaims all warranties', 'disclaim all warranties'],
      [700, 'use or performance of this software'],
    ],
  },
  {
    id: 'Zlib',
    steps: [
      [
        0,
        'provided as is without any express or implied warranty',
        'provided as is without express or implied warranty',
      ],
      [60, 'be held liable for any damages arising from the use of this software'],
      [
        14,
        'permission is granted to anyone to use this software for any purpose including commercial applications and to alter it and redistribute it freely subject to the following restrictions',
      ],
      [14, 'the origin of this software must not be misrepresented'],
      [220, 'altered source versions must be plainly marked as such'],
      [100, 'this notice may not be removed or altered from any'],
    ],
  },
  {
    id: 'Info-ZIP',
    steps: [
      [
        0,
        'permission is granted to anyone to use this software for any purpose including commercial applications and to alter it and redistribute it freely subject to the above disclaimer and the following restrictions',
      ],
      [1800, 'info zip retains the right to use the names info zip'],
    ],
  },
  {
    id: 'BSL-1.0',
    steps: [
      [
        0,
        'permission is hereby granted free of charge to any person or organization obtaining a copy of the software and accompanying documentation covered by this license',
      ],
      [900, 'source language processor'],
      [900, 'dealings in the software'],
    ],
  },
  {
    id: 'FSFAP',
    steps: [
      [
        0,
        'copying and distribution of this file with or without modification are permitted in any medium without royalty provided the copyright notice and this notice are preserved',
        'fsf all permissive license',
      ],
    ],
  },
  {
    id: 'FSFULLR',
    steps: [
      [0, 'free software foundation'],
      [
        60,
        'gives unlimited permission to copy and or distribute it with or without modifications as long as this notice is preserved',
      ],
    ],
  },
  {
    id: 'FSFUL',
    steps: [
      [
        0,
        'this configure script is free software the free software foundation gives unlimited permission to copy distribute and modify it',
      ],
    ],
  },
  {
    id: 'bzip2-1.0.6',
    steps: [
      [0, 'redistribution and use in source and binary forms with or without modification'],
      [200, 'list of conditions and the following disclaimer'],
      [14, 'the origin of this software must not be misrepresented'],
      [200, 'an acknowledgment in the product documentation would be appreciated but is not required'],
      [120, 'must not be misrepresented as being the original software'],
      [
        40,
        'be used to endorse or promote products derived from this software without specific prior written permission',
      ],
      [900, 'advised of the possibility of such damage'],
    ],
  },
  {
    id: 'Zend-2.0',
    steps: [
      [0, 'redistribution and use in source and binary forms with or without modification'],
      [
        500,
        'the names zend and zend engine must not be used to endorse or promote products derived from this software',
      ],
      [900, 'redistributions of any form whatsoever must retain the following acknowledgment'],
      [200, 'must display the following acknowledgment the zend engine is freely available at'],
      [1000, 'advised of the possibility of such damage'],
    ],
  },
  {
    id: 'OLDAP-2.8',
    steps: [
      [0, 'the openldap public license version 2.8 17 august 2003'],
      [200, 'permitted provided that the following conditions are met'],
      [500, 'redistributions must contain a verbatim copy of this document'],
      [1600, 'title to copyright in this software shall at all times remain with copyright holders'],
      [240, 'permission to copy and distribute verbatim copies of this document is granted'],
    ],
  },
  {
    id: 'GD',
    steps: [
      [0, 'permission has been granted to copy distribute and modify gd in any context without fee'],
      [500, 'credit must be given in user accessible documentation'],
      [300, 'with respect to this code and accompanying documentation'],
    ],
  },
  {
    id: 'Bitstream-Vera',
    steps: [
      [
        0,
        'permission is hereby granted free of charge to any person obtaining a copy of the fonts accompanying this license',
      ],
      [1000, 'names not containing either the words bitstream or the word vera'],
      [1200, 'except as contained in this notice the names of gnome the gnome foundation and bitstream inc'],
      [200, 'prior written authorization from the gnome foundation or bitstream inc'],
    ],
  },
  {
    id: 'CDDL-1.0',
    steps: [
      [0, 'common development and distribution license cddl version 1.0 1 definitions'],
      [16000, 'nothing herein is intended or shall be deemed to constitute any admission of liability'],
    ],
  },
  {
    id: 'Unlicense',
    steps: [
      [0, 'this is free and unencumbered software released into the public domain'],
      [1800, 'dealings in the software'],
    ],
  },
  {
    id: 'Apache-2.0',
    steps: [[0, 'licensed under the apache license version 2.0', 'apache license version 2.0 january 2004']],
  },
  {
    id: 'MPL-2.0',
    steps: [
      [
        0,
        'subject to the terms of the mozilla public license v 2.0',
        'subject to the terms of the mozilla public license version 2.0',
      ],
    ],
  },
  { id: 'BSD-3-Clause', steps: [[0, '3 clause bsd', 'bsd 3 clause']] },
  { id: 'BSD-2-Clause', steps: [[0, '2 clause bsd', 'bsd 2 clause']] },
  {
    id: 'Artistic-1.0-Perl',
    steps: [[0, 'artistic license which comes with perl', 'artistic license which comes with this kit']],
  },
  { id: 'OpenSSL', steps: [[0, 'this product includes software developed by the openssl project']] },
]
